import { SortOrder, messageToDocument, ResourceSchema } from '@murmur/api';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { readSecretValue } from './secret-values.js';
import { type TestCatalog, refusal, refused, testCatalog } from './testing.js';
import { getResource, listResources } from './verbs/index.js';

const value = 's3cr3t "value"/with+odd\nbytes é';

function secret(plaintext: string | undefined, description = ''): string {
  return JSON.stringify({ name: 'TOKEN', plaintext_value: plaintext, description });
}

let catalog: TestCatalog;
beforeEach(async () => {
  catalog = await testCatalog();
});
afterEach(() => catalog.close());

const read = async (tenant = 'local/default', name = 'TOKEN') =>
  readSecretValue(catalog.database.database, catalog.context.tenantKeys, tenant, name);

async function sealed() {
  return catalog.database.database.selectFrom('secret_values').selectAll().execute();
}

describe('the value of a secret', () => {
  test('is what was set last, and nobody else has one', async () => {
    expect(await read()).toBeUndefined();
    await catalog.set('secret', 'TOKEN', secret(value));
    expect(await read()).toBe(value);
    await catalog.patch('secret', 'TOKEN', { plaintext_value: 'other' });
    expect(await read()).toBe('other');
    expect(await read('local/other')).toBeUndefined();
    expect(await read('local/default', 'OTHER')).toBeUndefined();
  });

  test('is kept to the byte', async () => {
    const text = fc.string({ unit: 'binary', minLength: 1 }).filter((candidate) => !/\0|\p{Surrogate}/u.test(candidate));
    await fc.assert(
      fc.asyncProperty(text, async (plaintext) => {
        await catalog.set('secret', 'TOKEN', secret(plaintext));
        expect(await read()).toBe(plaintext);
      }),
      { numRuns: 30 },
    );
  });

  test('is in no answer', async () => {
    const answers = [
      (await catalog.set('secret', 'TOKEN', secret(value))).resource,
      (await catalog.set('secret', 'TOKEN', secret(value))).resource,
      (await catalog.patch('secret', 'TOKEN', { description: 'new', plaintext_value: JSON.stringify(`${value}2`) })).resource,
      (await getResource(catalog.context, { kind: 'secret', name: 'TOKEN', generation: 0n })).resource,
      (await getResource(catalog.context, { kind: 'secret', name: 'TOKEN', generation: 1n })).resource,
      ...(await listResources(catalog.context, { kind: 'secret', sort: SortOrder.NAME, pageSize: 0, pageToken: '' })).resources,
      ...(await catalog.history('secret', 'TOKEN')).generations.map(({ resource }) => resource),
    ];
    expect(answers).toHaveLength(8);
    for (const answer of answers) {
      expect(answer?.spec).toMatchObject({ case: 'secret', value: { name: 'TOKEN', plaintextValue: '' } });
      expect(JSON.stringify(answer === undefined ? {} : messageToDocument(ResourceSchema, answer))).not.toContain('s3cr3t');
    }
  });

  test('is in no table, in no form', async () => {
    await catalog.set('secret', 'TOKEN', secret(value));
    await catalog.set('secret', 'TOKEN', secret(value, 'described'));
    await catalog.patch('secret', 'TOKEN', { description: 'patched' });
    const dump = (await dumped(catalog)).toLowerCase();
    expect(dump).toContain('patched');
    const bytes = Buffer.from(value);
    const forms = [value, JSON.stringify(value), bytes.toString('base64'), bytes.toString('hex'), encodeURIComponent(value), 's3cr3t'];
    for (const form of forms) expect(dump).not.toContain(form.toLowerCase());
  });

  test('stays when a write does not name it, and the same one changes nothing', async () => {
    const first = await catalog.set('secret', 'TOKEN', secret(value, 'first'));
    expect(first).toMatchObject({ changed: true, resource: { generation: 1n } });
    const [before] = await sealed();
    expect(await catalog.set('secret', 'TOKEN', secret(value, 'first'))).toMatchObject({ changed: false });
    expect(await catalog.set('secret', 'TOKEN', secret(undefined, 'first'))).toMatchObject({ changed: false });
    expect(await catalog.patch('secret', 'TOKEN', { plaintext_value: JSON.stringify(value) })).toMatchObject({ changed: false });
    expect(await sealed()).toEqual([before]);
    expect(await catalog.patch('secret', 'TOKEN', { description: 'second' })).toMatchObject({
      changed: true,
      resource: { generation: 2n },
    });
    expect(await read()).toBe(value);
    expect(await sealed()).toMatchObject([{ generation: 2 }]);
  });

  test('makes a new generation by itself', async () => {
    await catalog.set('secret', 'TOKEN', secret('one'));
    expect(await catalog.set('secret', 'TOKEN', secret('two'))).toMatchObject({ changed: true, resource: { generation: 2n } });
    expect(await read()).toBe('two');
    expect(await sealed()).toHaveLength(1);
  });

  test('is the newest one also after an earlier generation is restored', async () => {
    await catalog.set('secret', 'TOKEN', secret('one', 'first'));
    await catalog.set('secret', 'TOKEN', secret('two', 'second'));
    const earlier = await catalog.get('secret', 'TOKEN', 1n);
    const restored = await catalog.set('secret', 'TOKEN', JSON.stringify({ name: 'TOKEN', description: earlier.spec.value?.description }));
    expect(restored).toMatchObject({ changed: true, resource: { generation: 3n, spec: { value: { description: 'first' } } } });
    expect(await read()).toBe('two');
  });

  test('goes with its secret, and a new one of that name needs a new value', async () => {
    await catalog.set('secret', 'TOKEN', secret(value));
    await catalog.remove('secret', 'TOKEN');
    expect(await sealed()).toEqual([]);
    expect(await refused(catalog.set('secret', 'TOKEN', secret(undefined)))).toBe('INVALID_ARGUMENT: plaintext_value is required');
    await catalog.set('secret', 'TOKEN', secret('again'));
    expect(await read()).toBe('again');
    expect(await sealed()).toMatchObject([{ generation: 3 }]);
  });

  test('is asked for again where it was lost', async () => {
    await catalog.set('secret', 'TOKEN', secret(value));
    await catalog.database.database.deleteFrom('secret_values').execute();
    expect(await refused(catalog.patch('secret', 'TOKEN', { description: 'new' }))).toBe('INVALID_ARGUMENT: plaintext_value is required');
    expect(await catalog.set('secret', 'TOKEN', secret(value))).toMatchObject({ changed: true });
    expect(await read()).toBe(value);
  });

  test('can be replaced where it was damaged, and is not taken for lost by a write that would keep it', async () => {
    await catalog.set('secret', 'TOKEN', secret(value));
    await catalog.database.database
      .updateTable('secret_values')
      .set({ sealed: Buffer.alloc(64, 1) })
      .execute();
    expect(await refused(catalog.patch('secret', 'TOKEN', { description: 'new' }))).toMatch(
      /^INTERNAL: an encrypted value cannot be opened/,
    );
    expect(await catalog.set('secret', 'TOKEN', secret('another'))).toMatchObject({ changed: true });
    expect(await read()).toBe('another');
  });

  test('is as it was when the write fails', async () => {
    await catalog.set('secret', 'TOKEN', secret(value));
    expect(await refused(catalog.set('secret', 'TOKEN', secret('new', 'x'.repeat(1025))))).toMatch(/^INVALID_ARGUMENT: description/);
    expect(await read()).toBe(value);
  });

  test.each([
    secret('s3cr3t\0'),
    secret(`s3cr3t${'x'.repeat(64 * 1024)}`),
    '{"name": "other", "plaintext_value": "s3cr3t"}',
    '{"name": "TOKEN", "plaintext_value": ["s3cr3t"]}',
    '{"name": "TOKEN", "plaintext_value": {"s3cr3t": 1}}',
    '{"name": "TOKEN", "plaintext_value": "s3cr3t\\ud800"}',
    '{"name": "TOKEN", "plaintext_value": "s3cr3t", "plaintextValue": "s3cr3t"}',
    '{"name": "TOKEN", "plaintext_value": "s3cr3t", "color": "s3cr3t"}',
  ])('is in no error: %#', async (document) => {
    const error = await refusal(catalog.set('secret', 'TOKEN', document));
    expect(error.code).toBe('INVALID_ARGUMENT');
    const told = JSON.stringify([error.message, error.hint, error.faults, String(error.cause), error.stack]);
    expect(told).not.toContain('s3cr3t');
  });

  test.each(['tenant', 'name', 'generation'] as const)('does not open in the place of another %s', async (column) => {
    await catalog.set('secret', 'TOKEN', secret(value));
    await catalog.as('local/other').set('secret', 'TOKEN', secret('theirs'));
    const { database } = catalog.database;
    const [own] = await database.selectFrom('secret_values').selectAll().where('tenant', '=', 'local/default').execute();
    if (own === undefined) throw new Error('the secret has no value');
    const moved = { ...own, tenant: 'local/other', name: 'MOVED', generation: 2 };
    const place = { ...own, [column]: moved[column] };
    await database.deleteFrom('secret_values').execute();
    await database.insertInto('secret_values').values(place).execute();
    const error = await refusal(read(place.tenant, place.name));
    expect(error.code).toBe('INTERNAL');
    expect(error.message).toContain('cannot be opened');
  });

  test('can be set the first time by more callers than there are connections', async () => {
    const names = Array.from({ length: 40 }, (_, index) => `TOKEN_${index}`);
    await Promise.all(names.map(async (name) => catalog.set('secret', name, JSON.stringify({ name, plaintext_value: name }))));
    expect(await Promise.all(names.map(async (name) => read('local/default', name)))).toEqual(names);
  });

  test('is never lost between writers of the value and writers of the description', async () => {
    await catalog.set('secret', 'TOKEN', secret('start'));
    await Promise.all(
      Array.from({ length: 20 }, async (_, index) =>
        catalog.patch('secret', 'TOKEN', index % 2 === 0 ? { plaintext_value: `v${index}` } : { description: `d${index}` }),
      ),
    );
    expect(await read()).toMatch(/^v\d+$/);
    expect((await catalog.get('secret', 'TOKEN')).generation).toBe(21n);
  });
});

/** Every row of every table as the database prints it. */
async function dumped({ database: { pool } }: TestCatalog): Promise<string> {
  const tables = await pool.query<{ name: string }>(
    `select quote_ident(schemaname) || '.' || quote_ident(tablename) as name from pg_tables where schemaname not in ('pg_catalog', 'information_schema')`,
  );
  const dumps = await Promise.all(
    tables.rows.map(async ({ name }) => pool.query<{ row: string }>(`select whole::text as row from ${name} as whole`)),
  );
  return dumps.flatMap(({ rows }) => rows.map(({ row }) => row)).join('\n');
}
