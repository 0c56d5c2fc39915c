import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { everything } from './context.js';
import { refuseIfReferenced } from './references.js';
import { kindNamed } from './kinds/index.js';
import { type TestCatalog, refused, testCatalog } from './testing.js';
import { applyResources, setResource } from './verbs/index.js';
import { holdResources } from './read.js';

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
    const results = await Promise.all(Array.from({ length: 200 }, async (_, index) => catalog.set('image', 'a', image('a', `${index}`))));
    const numbers = results.map(({ resource }) => resource.generation).toSorted((a, b) => Number(a - b));
    expect(numbers).toEqual(Array.from({ length: 200 }, (_, index) => BigInt(index + 1)));
    const { generations } = await catalog.history('image', 'a');
    expect(new Set(generations.map(({ resource }) => resource?.spec.value?.description)).size).toBe(200);
    const newest = results.find(({ resource }) => resource.generation === 200n);
    expect((await catalog.get('image', 'a')).spec).toEqual(newest?.resource.spec);
  });

  test('of writers who have read the same generation one wins, and every other is told so', async () => {
    for (let generation = 0n; generation < 3n; generation += 1n) {
      const outcomes = await Promise.all(
        Array.from({ length: 67 }, async (_, index) => {
          const document = image('a', `${generation}-${index}`);
          const request = { kind: 'image', name: 'a', document, fields: [], ifGeneration: generation };
          return setResource(catalog.context, request).then(
            ({ resource }) => `at ${resource.generation}`,
            (error: unknown) => String(error),
          );
        }),
      );
      const won = outcomes.filter((outcome) => outcome === `at ${generation + 1n}`);
      const lost = outcomes.filter(
        (outcome) => outcome === `MurmurError: image "a" is at generation ${generation + 1n}, not ${generation}`,
      );
      expect([won.length, lost.length]).toEqual([1, 66]);
    }
    expect((await catalog.get('image', 'a')).generation).toBe(3n);
  });

  test('batches that name the same resources in opposite orders never wait for each other for ever', async () => {
    const names = Array.from({ length: 20 }, (_, index) => `i-${index}`);
    for (const name of names) await catalog.set('image', name, image(name));
    const apply = async (documents: string[]) =>
      applyResources(catalog.context, { documents: documents.map((text) => ({ text, origin: '', line: 1 })), dryRun: false });
    const images = (round: string) => names.map((name) => `kind: image\n${image(name, round)}`);
    for (let round = 0; round < 5; round += 1) {
      await Promise.all([
        apply(images(`${round}a`)),
        apply(images(`${round}b`).toReversed()),
        // Each changes what the other refers to.
        apply([`kind: image\n${image('i-0', `${round}c`)}`, `kind: recipe\n${recipe('r-0', 'i-1')}`]),
        apply([`kind: image\n${image('i-1', `${round}d`)}`, `kind: recipe\n${recipe('r-1', 'i-0')}`]),
        catalog.set('recipe', 'r-2', recipe('r-2', 'i-2')),
        catalog.patch('image', 'i-2', { description: `${round}e` }),
      ]);
    }
    // One batch is written whole before or after the other.
    const last = await Promise.all(names.slice(3).map(async (name) => (await catalog.get('image', name)).spec.value?.description));
    expect(new Set(last).size).toBe(1);
  });

  test('a batch that refers and a removal: nothing dangles', async () => {
    for (let round = 0; round < 20; round += 1) {
      await catalog.set('image', 'base', image('base'));
      const documents = [1, 2, 3].map((number) => ({ text: `kind: recipe\n${recipe(`r-${number}`, 'base')}`, origin: '', line: 1 }));
      const outcomes = await Promise.allSettled([
        applyResources(catalog.context, { documents, dryRun: false }),
        catalog.remove('image', 'base'),
      ]);
      expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
      expect(await dangling()).toBe(0);
      for (const name of await catalog.names('recipe')) await catalog.remove('recipe', name);
    }
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
      Array.from({ length: 60 }, async (_, index) => {
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
      await holdResources(trx, { tenant: 'local/default', permits: everything }, [['image', 'base']]);
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
    const { generations } = await catalog.history('image', 'a');
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
  await database.transaction().execute(async (trx) => refuseIfReferenced(trx, catalog.context, kindNamed('image'), address));
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
