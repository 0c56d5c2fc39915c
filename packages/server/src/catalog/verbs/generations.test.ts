import { beforeEach, describe, expect, test } from 'vitest';

import { type TestCatalog, refused, withNewTenants } from '../testing.js';

let catalog: TestCatalog;
withNewTenants((own) => (catalog = own));

function image(name: string, description: string): string {
  return `name: ${name}\ndescription: "${description}"\narchitecture: AMD64\ngce: {self_link: projects/acme/global/images/debian}\n`;
}

function recipe(script: string): string {
  return `name: r\nbase_image_gce_ref: murmur-gce-base\nprovisioning_timeout: 1m\nprovisioning_script: "${script}"\n`;
}

/** The pages of a history of `image a`. */
async function pages(pageSize: number, newest = 0n) {
  const found = [];
  let pageToken = '';
  do {
    const page = await catalog.history('image', 'a', { pageSize, pageToken, newest });
    found.push(page.generations);
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  return found;
}

describe('a history', () => {
  beforeEach(async () => {
    for (const description of ['1', '2']) await catalog.set('image', 'a', image('a', description));
    await catalog.remove('image', 'a');
    for (const description of ['4', '5', '6']) await catalog.set('image', 'a', image('a', description));
  });

  test.each([1, 2, 3, 4, 5, 6, 7])('says the same in pages of %i as whole', async (pageSize) => {
    const [whole] = await pages(1000);
    expect(whole?.map(({ generation, removed }) => (removed ? -generation : generation))).toEqual([6n, 5n, 4n, -3n, 2n, 1n]);
    expect(whole?.map(({ resource }) => resource?.createTime)).toEqual([4, 4, 4, 0, 1, 1].map((first) => whole?.[6 - first]?.time));
    const parts = await pages(pageSize);
    expect(parts.flat()).toEqual(whole);
    expect(parts.map((part) => part.length)).toEqual(parts.map((_, index) => Math.min(pageSize, 6 - index * pageSize)));
  });

  test('begins at the generation asked for', async () => {
    expect((await pages(2, 3n)).map((part) => part.map(({ generation }) => generation))).toEqual([[3n, 2n], [1n]]);
    expect((await pages(9, 99n)).flat()).toHaveLength(6);
  });

  test('goes on with its own tokens alone', async () => {
    await catalog.set('image', 'b', image('b', '1'));
    const { nextPageToken } = await catalog.history('image', 'a', { pageSize: 1 });
    for (const pageToken of ['x', nextPageToken.slice(1)]) {
      expect(await refused(catalog.history('image', 'a', { pageToken }))).toBe('INVALID_ARGUMENT: invalid page_token');
    }
    expect(await refused(catalog.history('image', 'b', { pageToken: nextPageToken }))).toBe('INVALID_ARGUMENT: invalid page_token');
    expect(await refused(catalog.history('image', 'a', { pageSize: 1001 }))).toBe('INVALID_ARGUMENT: page_size must be between 1 and 1000');
    expect(await refused(catalog.history('image', 'a', { newest: -1n }))).toBe('INVALID_ARGUMENT: newest must be non-negative');
  });
});

test('a page of large documents ends before it has as many as it may', async () => {
  for (let number = 0; number < 20; number += 1) await catalog.set('recipe', 'r', recipe(`${number}`.padEnd(250 * 1024, 'x')));
  const first = await catalog.history('recipe', 'r');
  expect(first.generations.length).toBeGreaterThan(10);
  expect(first.generations.length).toBeLessThan(20);
  const second = await catalog.history('recipe', 'r', { pageToken: first.nextPageToken });
  expect([...first.generations, ...second.generations].map(({ generation }) => Number(generation))).toEqual(
    Array.from({ length: 20 }, (_, index) => 20 - index),
  );
  expect(second.nextPageToken).toBe('');
});
