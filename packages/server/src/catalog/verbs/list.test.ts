import { SortOrder } from '@murmur/api';
import { describe, expect, test } from 'vitest';

import { type TestCatalog, refused, withNewTenants } from '../testing.js';
import { listResources } from './index.js';

let catalog: TestCatalog;
withNewTenants((own) => (catalog = own));

function image(name: string, description = ''): string {
  return `name: ${name}\ndescription: "${description}"\narchitecture: AMD64\ngce: {self_link: projects/acme/global/images/debian}\n`;
}

describe('list', () => {
  const page = { kind: 'recipe', sort: SortOrder.UNSPECIFIED, pageSize: 0, pageToken: '' };

  async function recipes(...names: string[]): Promise<void> {
    for (const name of names) {
      await catalog.set(
        'recipe',
        name,
        `name: ${name}\nbase_image_gce_ref: murmur-gce-base\nprovisioning_script: a\nprovisioning_timeout: 1m\ndescription: about ${name}\n`,
      );
    }
  }

  test('shows the columns of the kind, oldest resource first', async () => {
    await recipes('zeta', 'alpha', 'mid');
    const { columns, rows, nextPageToken } = await listResources(catalog.context, page);
    expect(columns.map((column) => column.header)).toEqual(['NAME', 'DESCRIPTION']);
    expect(rows.map((row) => row.cells)).toEqual([
      ['zeta', 'about zeta'],
      ['alpha', 'about alpha'],
      ['mid', 'about mid'],
    ]);
    expect(nextPageToken).toBe('');
  });

  test('ends a page of large documents before it has as many as it may', async () => {
    const names = Array.from({ length: 20 }, (_, index) => `r-${index}`);
    for (const name of names) {
      const script = name.padEnd(250 * 1024, 'x');
      const rest = `base_image_gce_ref: murmur-gce-base\nprovisioning_timeout: 1m\nprovisioning_script: ${script}\n`;
      await catalog.set('recipe', name, `name: ${name}\n${rest}`);
    }
    const first = await listResources(catalog.context, { ...page, pageSize: 1000 });
    expect(first.resources.length).toBeGreaterThan(10);
    expect(first.resources.length).toBeLessThan(20);
    const second = await listResources(catalog.context, { ...page, pageSize: 1000, pageToken: first.nextPageToken });
    expect([...first.resources, ...second.resources].map(({ name }) => name)).toEqual(names);
    expect(second.nextPageToken).toBe('');
  });

  test('never repeats a resource, however exact its time of change is', async () => {
    await recipes('a', 'b', 'c');
    const { tenant } = catalog.context.identity;
    await catalog.database.pool.query(
      `update resources set updated_at = '2026-01-01T00:00:00.0001Z'::timestamptz + ordinal * interval '0.2 ms' where tenant = $1`,
      [tenant],
    );
    const sorted = { ...page, sort: SortOrder.UPDATED, pageSize: 1 };
    const names: string[] = [];
    let pageToken = '';
    do {
      const result = await listResources(catalog.context, { ...sorted, pageToken });
      names.push(...result.resources.filter(({ builtin }) => !builtin).map(({ name }) => name));
      pageToken = result.nextPageToken;
    } while (pageToken !== '' && names.length < 9);
    expect(names).toEqual(['a', 'b', 'c']);
  });

  test.each([
    [SortOrder.CREATED, ['zeta', 'alpha', 'mid', 'b-c', 'b']],
    [SortOrder.NAME, ['alpha', 'b', 'b-c', 'mid', 'zeta']],
    [SortOrder.UPDATED, ['alpha', 'mid', 'b-c', 'b', 'zeta']],
  ])('goes through all pages in order %s', async (sort, expected) => {
    await recipes('zeta', 'alpha', 'mid', 'b-c', 'b');
    await catalog.patch('recipe', 'zeta', { description: 'changed' });
    for (const pageSize of [1, 2, 5, 6]) {
      const names: string[] = [];
      let pageToken = '';
      do {
        const result = await listResources(catalog.context, { ...page, sort, pageSize, pageToken });
        expect(result.resources.length).toBeLessThanOrEqual(pageSize);
        names.push(...result.resources.map((resource) => resource.name));
        pageToken = result.nextPageToken;
      } while (pageToken !== '');
      expect(names).toEqual(expected);
    }
  });

  test('refuses page tokens it did not make for this list', async () => {
    await recipes('a', 'b');
    const { nextPageToken } = await listResources(catalog.context, { ...page, pageSize: 1 });
    expect(nextPageToken).not.toBe('');
    const forged = Buffer.from(JSON.stringify(['recipe', 'updated', "x'; drop table resources", 1])).toString('base64url');
    const token = (...parts: unknown[]) => Buffer.from(JSON.stringify(parts)).toString('base64url');
    const attempts = [
      { ...page, sort: SortOrder.NAME, pageToken: token('recipe', 'name', 'a\0', 1) },
      { ...page, sort: SortOrder.UPDATED, pageToken: token('recipe', 'updated', '1', 1) },
      { ...page, sort: SortOrder.UPDATED, pageToken: token('recipe', 'updated', '0000-04-20T00:00:00.000Z', 1) },
      { ...page, pageToken: token('recipe', 'created', '', 1.5) },
      { ...page, pageToken: 'nonsense' },
      { ...page, pageToken: '!!' },
      { ...page, kind: 'image', pageToken: nextPageToken },
      { ...page, sort: SortOrder.NAME, pageToken: nextPageToken },
      { ...page, sort: SortOrder.UPDATED, pageToken: forged },
      { ...page, pageToken: Buffer.from('null').toString('base64url') },
    ];
    for (const attempt of attempts)
      expect(await refused(listResources(catalog.context, attempt))).toBe('INVALID_ARGUMENT: invalid page_token');
  });

  test('refuses page sizes out of range', async () => {
    for (const pageSize of [-1, 1001]) {
      expect(await refused(listResources(catalog.context, { ...page, pageSize }))).toBe(
        'INVALID_ARGUMENT: page_size must be between 1 and 1000',
      );
    }
  });

  test("includes the builtins a tenant can see and nobody else's resources", async () => {
    await catalog.set('image', 'mine', image('mine'));
    await catalog.as('local/other').set('image', 'theirs', image('theirs'));
    const names = async (tenant: string, kind: string) =>
      (await listResources(catalog.as(tenant).context, { ...page, kind })).resources.map((resource) => resource.name);
    expect(await names(catalog.context.identity.tenant, 'image')).toEqual(['murmur-gce-base', 'murmur-aws-base', 'mine']);
    expect(await names('local/other', 'placement')).toEqual(['murmur-qemu-local', 'murmur-docker-local']);
    expect(await names('github_app/acme', 'placement')).toEqual([]);
  });
});

describe('list, for a caller who may not list every name', () => {
  const page = { kind: 'image', sort: SortOrder.NAME, pageSize: 2, pageToken: '' };
  const names = ['team-a-1', 'team-a-2', 'team-b', 'teamxa', 'zeta'];

  async function listed(patterns: string[], sort = SortOrder.NAME): Promise<string[]> {
    for (const name of names) await catalog.set('image', name, image(name));
    const permits = { ...catalog.context.permits, namesFor: () => patterns };
    const found: string[] = [];
    let pageToken = '';
    do {
      const result = await listResources({ ...catalog.context, permits }, { ...page, sort, pageToken });
      found.push(...result.resources.map((resource) => resource.name));
      pageToken = result.nextPageToken;
    } while (pageToken !== '');
    return found.filter((name) => !name.startsWith('murmur-'));
  }

  test.each([
    [['*'], ['team-a-1', 'team-a-2', 'team-b', 'teamxa', 'zeta']],
    [['team-a-*'], ['team-a-1', 'team-a-2']],
    [
      ['team-*', 'zeta'],
      ['team-a-1', 'team-a-2', 'team-b', 'zeta'],
    ],
    [['team_a'], []],
    [['*a*1'], ['team-a-1']],
    [[], []],
  ])('%j shows %j, page by page', async (patterns, expected) => {
    for (const sort of [SortOrder.NAME, SortOrder.CREATED, SortOrder.UPDATED]) expect(await listed(patterns, sort)).toEqual(expected);
  });

  test('shows the builtins to whoever may list anything', async () => {
    const permits = { ...catalog.context.permits, namesFor: () => ['mine-*'] };
    const { resources } = await listResources({ ...catalog.context, permits }, { ...page, pageSize: 10 });
    expect(resources.map((resource) => resource.name)).toEqual(['murmur-aws-base', 'murmur-gce-base']);
  });
});
