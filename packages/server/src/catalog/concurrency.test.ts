import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { refuseIfReferenced } from './references.js';
import { kindNamed } from './kinds/index.js';
import { type TestCatalog, refused, testCatalog } from './testing.js';
import { listGenerations, setResource } from './verbs/index.js';
import { holdSpec } from './read.js';

const image = (name: string, description = '') =>
  `name: ${name}\ndescription: "${description}"\narchitecture: AMD64\ngce: {self_link: projects/acme/global/images/debian}\n`;
const recipe = (name: string, base: string) =>
  `name: ${name}\nbase_image_gce_ref: ${base}\nprovisioning_script: a\nprovisioning_timeout: 1m\n`;

let catalog: TestCatalog;
beforeEach(async () => {
  catalog = await testCatalog();
});
afterEach(async () => catalog.close());

describe('at the same time', () => {
  test('writers of one name lose no generation', async () => {
    const results = await Promise.all(Array.from({ length: 20 }, async (_, index) => catalog.set('image', 'a', image('a', `${index}`))));
    const numbers = results.map(({ resource }) => resource.generation).toSorted((a, b) => Number(a - b));
    expect(numbers).toEqual(Array.from({ length: 20 }, (_, index) => BigInt(index + 1)));
    const { generations } = await listGenerations(catalog.context, { kind: 'image', name: 'a' });
    expect(new Set(generations.map(({ resource }) => resource?.spec.value?.description)).size).toBe(20);
    const newest = results.find(({ resource }) => resource.generation === 20n);
    expect((await catalog.get('image', 'a')).spec).toEqual(newest?.resource.spec);
  });

  test('writers of one document make one generation', async () => {
    const results = await Promise.all(Array.from({ length: 10 }, async () => catalog.set('image', 'a', image('a'))));
    expect(results.filter(({ changed }) => changed)).toHaveLength(1);
    expect((await catalog.get('image', 'a')).generation).toBe(1n);
  });

  test('patches of different fields all take effect', async () => {
    await catalog.set('image', 'a', 'name: a\narchitecture: AMD64\naws: {ami_ids: {r: ami-01234567}}\n');
    const regions = Array.from({ length: 12 }, (_, index) => `r${index}`);
    await Promise.all(regions.map(async (region) => catalog.patch('image', 'a', { [`aws.ami_ids.${region}`]: 'ami-01234567' })));
    const { spec, generation } = await catalog.get('image', 'a');
    const ids = spec.case === 'image' && spec.value.source.case === 'aws' ? spec.value.source.value.amiIds : {};
    expect(Object.keys(ids)).toHaveLength(13);
    expect(generation).toBe(13n);
  });

  test('a removal and a new reference: one of them is refused, and nothing dangles', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        await catalog.set('image', `base-${index}`, image(`base-${index}`));
        const [set, remove] = await Promise.allSettled([
          catalog.set('recipe', `r-${index}`, recipe(`r-${index}`, `base-${index}`)),
          catalog.remove('image', `base-${index}`),
        ]);
        return [set.status, remove.status].toSorted().join(' and ');
      }),
    );
    expect(new Set(outcomes)).toEqual(new Set(['fulfilled and rejected']));
    expect(await dangling()).toBe(0);
  });

  test('a removal waits for a reference being made, and is refused when it is', async () => {
    await catalog.set('image', 'base', image('base'));
    let removal: Promise<string> = Promise.resolve('');
    await catalog.database.database.transaction().execute(async (trx) => {
      await holdSpec(trx, 'local/default', 'image', 'base');
      removal = refused(catalog.remove('image', 'base'));
      await waitingBackend();
      const inside = { ...catalog.context, database: trx };
      await setResource(inside, { kind: 'recipe', name: 'r', document: recipe('r', 'base'), fields: [] });
    });
    expect(await removal).toBe('FAILED_PRECONDITION: cannot delete image "base": referenced by recipe: r');
  });

  test('creations and removals of one name never share a generation', async () => {
    await Promise.all(
      Array.from({ length: 15 }, async (_, index) => {
        if (index % 3 === 2) await catalog.remove('image', 'a').catch(() => undefined);
        else await catalog.set('image', 'a', image('a', `${index}`));
      }),
    );
    const { generations } = await listGenerations(catalog.context, { kind: 'image', name: 'a' });
    expect(generations.map(({ generation }) => generation)).toEqual(generations.map((_, index) => BigInt(generations.length - index)));
  });
});

test('a running bake counts as a referrer', async () => {
  await catalog.set('image', 'base', image('base'));
  const { database } = catalog.database;
  const run = { tenant: 'local/default', recipe: 'r', environment: 'e', placement: 'p', image_hash: 'h', build_number: 1, image_name: 'i' };
  const rest = { artifact_name: 'a', substrate: 'QEMU', scope: 's', phase: 'queued', inputs: '{}', author: 'me' };
  await database
    .insertInto('runs')
    .values({ id: 'run-1', ...run, ...rest })
    .execute();
  const target = { target_tenant: 'local/default', target_kind: 'image', target_name: 'base' };
  await database
    .insertInto('run_references')
    .values({ run_id: 'run-1', ...target })
    .execute();
  expect(await refused(catalog.remove('image', 'base'))).toBe('FAILED_PRECONDITION: cannot delete image "base": referenced by bake: run-1');
  await catalog.set('recipe', 'r', recipe('r', 'base'));
  expect(await refused(catalog.remove('image', 'base'))).toBe(
    'FAILED_PRECONDITION: cannot delete image "base": referenced by bake: run-1; recipe: r',
  );
  await catalog.remove('recipe', 'r');
  await database.deleteFrom('run_references').execute();
  await catalog.remove('image', 'base');
  const address = { tenant: 'local/default', kind: 'image', name: 'base' };
  await database.transaction().execute(async (trx) => refuseIfReferenced(trx, kindNamed('image'), address));
});

async function dangling(): Promise<number> {
  const { rows } = await catalog.database.pool.query<{ count: string }>(
    `select count(*) from resource_references r where not exists (
       select from resources t where t.tenant = r.target_tenant and t.kind = r.target_kind and t.name = r.target_name)`,
  );
  return Number(rows[0]?.count);
}

/** Returns once another session waits for a lock. */
async function waitingBackend(): Promise<void> {
  for (let attempt = 0; attempt < 2000; attempt += 1) {
    const { rows } = await catalog.database.pool.query(
      `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    );
    if (rows.length > 0) return;
  }
  throw new Error('no session waits for a lock');
}
