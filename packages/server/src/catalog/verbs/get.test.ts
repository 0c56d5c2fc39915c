import { describe, expect, test } from 'vitest';

import { type TestCatalog, refused, withNewTenants } from '../testing.js';

let catalog: TestCatalog;
withNewTenants((own) => (catalog = own));

function image(name: string, description = ''): string {
  return `name: ${name}\ndescription: "${description}"\narchitecture: AMD64\ngce: {self_link: projects/acme/global/images/debian}\n`;
}

describe('get', () => {
  test('says what is not there', async () => {
    expect(await refused(catalog.get('recipe', 'x'))).toBe('NOT_FOUND: recipe "x" not found');
    expect(await refused(catalog.get('machine-type', 'x'))).toBe('NOT_FOUND: machine-type "x" not found');
    expect(await refused(catalog.get('recipe', 'x\0'))).toBe('NOT_FOUND: recipe "x\0" not found');
    expect(await refused(catalog.get('volcano', 'x'))).toBe('INVALID_ARGUMENT: unknown kind "volcano"');
  });

  test('reads every earlier generation', async () => {
    await catalog.set('image', 'a', image('a', 'first'));
    await catalog.set('image', 'a', image('a', 'second'));
    const first = await catalog.get('image', 'a', 1n);
    expect(first.generation).toBe(1n);
    expect(first.spec.value?.description).toBe('first');
    expect(await refused(catalog.get('image', 'a', 3n))).toBe('NOT_FOUND: image "a" has no generation 3');
    expect(await refused(catalog.get('image', 'b', 1n))).toBe('NOT_FOUND: image "b" not found');
    expect(await refused(catalog.get('image', 'a', -1n))).toBe('INVALID_ARGUMENT: generation must be non-negative');
  });

  test('an earlier generation was created when its resource was, the last time', async () => {
    await catalog.set('image', 'a', image('a', 'first'));
    await catalog.remove('image', 'a');
    await catalog.set('image', 'a', image('a', 'third'));
    await catalog.set('image', 'a', image('a', 'fourth'));
    const [first, third, fourth] = [
      await catalog.get('image', 'a', 1n),
      await catalog.get('image', 'a', 3n),
      await catalog.get('image', 'a', 4n),
    ];
    expect(first.createTime).toEqual(first.updateTime);
    expect(third.createTime).toEqual(third.updateTime);
    expect(fourth.createTime).toEqual(third.createTime);
    expect(await catalog.get('image', 'a')).toEqual(fourth);
    expect(await refused(catalog.get('image', 'a', 2n))).toBe('NOT_FOUND: generation 2 of image "a" is its removal');
    const beyond = 2n ** 63n - 1n;
    expect(await refused(catalog.get('image', 'a', beyond))).toBe(`NOT_FOUND: image "a" has no generation ${beyond}`);
  });
});
