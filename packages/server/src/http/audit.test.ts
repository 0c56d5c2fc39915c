import { type AuditEntry, AuditEntrySchema, type ListAuditEntriesRequest } from '@murmur/api';
import { fromJson, type JsonObject } from '@bufbuild/protobuf';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { insertRun } from '../bake/runs/testing-runs.js';
import { type CallHeaders, type TestApi, startTestApi } from './testing-api.js';

describe('the audit log', () => {
  let api: TestApi;
  let ana: CallHeaders;
  let auditor: CallHeaders;
  beforeAll(async () => {
    api = await startTestApi();
    await api.bind('local/default', 'ana', ['recipe.*', 'api-key.create', 'api-key.delete', 'image.read']);
    await api.bind('local/default', 'auditor', ['audit.list']);
    ana = await api.signIn('ana');
    auditor = await api.signIn('auditor');
  });
  afterAll(() => api[Symbol.asyncDispose]());

  const page = async (request: Partial<Omit<ListAuditEntriesRequest, '$typeName'>>, headers = auditor) => {
    const { code, message, body } = await api.call('listAuditEntries', request, headers);
    expect([code, message]).toEqual(['OK', '']);
    const [answer] = JSON.parse(body) as [{ entries?: JsonObject[]; nextPageToken?: string }];
    return {
      entries: (answer.entries ?? []).map((entry): AuditEntry => fromJson(AuditEntrySchema, entry)),
      next: answer.nextPageToken ?? '',
    };
  };
  const entries = async (request: Partial<Omit<ListAuditEntriesRequest, '$typeName'>>, headers = auditor) =>
    (await page(request, headers)).entries;
  const lines = async (request: Partial<Omit<ListAuditEntriesRequest, '$typeName'>>) =>
    (await entries(request)).map(({ actor, action, resource, allowed, outcome }) =>
      [actor, action, resource, allowed ? 'allowed' : 'denied', outcome].join(' '),
    );
  const recipe = (name: string, more = '') =>
    `{name: ${name}, base_image_gce_ref: murmur-gce-base, provisioning_script: "true", provisioning_timeout: 5m${more}}`;
  const set = (name: string, headers: CallHeaders) => api.call('setResource', { kind: 'recipe', name, document: recipe(name) }, headers);

  test('names who did what to which resource, from which key, when and with what end', async () => {
    const before = Date.now();
    await set('first', ana);
    await api.call(
      'patchResource',
      { kind: 'recipe', name: 'first', fields: [{ path: 'nonsense', value: { case: 'text', value: '' } }] },
      ana,
    );
    await api.call('removeResource', { kind: 'recipe', name: 'first' }, ana);
    expect(await lines({ resource: 'recipe/first' })).toEqual([
      'ana RemoveResource recipe/first allowed OK',
      'ana PatchResource recipe/first allowed INVALID_ARGUMENT',
      'ana SetResource recipe/first allowed OK',
    ]);
    const [newest] = await entries({ resource: 'recipe/first' });
    expect(ana['authorization']).toContain(`mur_${newest?.keyId}.`);
    expect(newest?.address).toBe('127.0.0.1');
    const at = Number(newest?.time?.seconds) * 1000;
    expect(at).toBeGreaterThan(before - 60_000);
    expect(at).toBeLessThan(Date.now() + 60_000);
  });

  test('keeps who took an image out of the house', async () => {
    await api.set('local/default', 'image', { name: 'taken', architecture: 'AMD64', qemu: { disk_digest: `sha256:${'1'.repeat(64)}` } });
    await api.call('exportImage', { name: 'taken' }, ana);
    expect(await lines({ resource: 'image/taken' })).toEqual(['ana ExportImage image/taken allowed FAILED_PRECONDITION']);
  });

  test('keeps every call that was denied, also one that only reads, and none that merely read', async () => {
    const stranger = await api.signIn('stranger');
    await api.call('getResource', { kind: 'recipe', name: 'secret-plans' }, stranger);
    await api.call('getResource', { kind: 'recipe', name: 'secret-plans' }, ana);
    await api.call('buildBase', { name: 'murmur-qemu-base' }, stranger);
    await api.call('whoAmI', {}, { ...stranger, 'murmur-tenant': 'local/other' });
    await api.call('whoAmI', {}, stranger);
    const denied = [
      'stranger WhoAmI  denied PERMISSION_DENIED',
      'stranger BuildBase image/murmur-qemu-base denied PERMISSION_DENIED',
      'stranger GetResource recipe/secret-plans denied PERMISSION_DENIED',
    ];
    expect(await lines({ actor: 'stranger' })).toEqual(denied);
    expect(await lines({ actor: 'stranger', deniedOnly: true })).toEqual(denied);
    expect(await lines({ actor: 'ana', resource: 'recipe/secret-plans' })).toEqual([]);
  });

  test('counts what the call itself refused for lack of a permission as denied', async () => {
    await api.bind('local/default', 'editor', ['recipe.edit']);
    await set('new-one', await api.signIn('editor'));
    expect(await lines({ actor: 'editor', deniedOnly: true })).toEqual(['editor SetResource recipe/new-one denied PERMISSION_DENIED']);
    expect(await lines({ actor: 'ana', deniedOnly: true })).toEqual([]);
  });

  test('has as denied what was answered as absent', async () => {
    const run = await insertRun(api.db.database, 'local/default', { recipe: 'hidden', phase: 'completed', ended_at: new Date() });
    await api.bind('local/default', 'peeper', ['recipe.read', 'api-key.delete'], 'team-*');
    const peeper = await api.signIn('peeper');
    const id = ana['authorization']?.slice('Bearer mur_'.length, 'Bearer mur_'.length + 12) ?? '';
    expect(await api.call('getBake', { runId: run }, peeper)).toMatchObject({ code: 'NOT_FOUND' });
    expect(await api.call('getBake', { runId: 'zzzzzzzzzzzz' }, peeper)).toMatchObject({ code: 'NOT_FOUND' });
    expect(await api.call('revokeApiKey', { id }, peeper)).toMatchObject({ code: 'NOT_FOUND' });
    expect(await lines({ actor: 'peeper' })).toEqual([
      `peeper RevokeApiKey api-key/${id} denied PERMISSION_DENIED`,
      `peeper GetBake bake/${run} denied PERMISSION_DENIED`,
    ]);
  });

  test('has no calls of nobody, which are only counted', async () => {
    const before = await entries({});
    expect(await api.call('removeResource', { kind: 'recipe', name: 'x' })).toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(await entries({})).toEqual(before);
    const metrics = await (await fetch(`${api.url}/metrics`)).text();
    expect(metrics).toContain('murmur_call_seconds_count{method="RemoveResource",code="UNAUTHENTICATED"} 1');
  });

  test('names a run whole, whatever prefix it was asked for by', async () => {
    const run = await insertRun(api.db.database, 'local/default', { recipe: 'any', phase: 'completed', ended_at: new Date() });
    await api.call('cancelBake', { runId: run.slice(0, 10) }, ana);
    expect(await lines({ resource: `bake/${run}` })).toEqual([`ana CancelBake bake/${run} allowed FAILED_PRECONDITION`]);
    expect(await lines({ resource: 'bake' })).toContain(`ana CancelBake bake/${run} allowed FAILED_PRECONDITION`);
  });

  test('finds a key by its id from its making on', async () => {
    const { body } = await api.call('createApiKey', { subject: 'robot' }, ana);
    const [{ key }] = JSON.parse(body) as [{ key: { id: string } }];
    await api.call('revokeApiKey', { id: key.id }, ana);
    expect(await lines({ resource: `api-key/${key.id}` })).toEqual([
      `ana RevokeApiKey api-key/${key.id} allowed OK`,
      'ana CreateApiKey api-key/robot allowed OK',
    ]);
    const [, making] = await entries({ resource: `api-key/${key.id}` });
    expect(making?.made).toBe(`api-key/${key.id}`);
  });

  test('keeps one entry for a batch, and one for each document that it wrote', async () => {
    const documents = ['one', 'two'].map((name) => ({ text: recipe(name, ', kind: recipe'), origin: `${name}.yaml` }));
    await api.call('applyResources', { documents, dryRun: true }, ana);
    expect(await lines({ resource: 'batch' })).toEqual([]);
    await api.call('applyResources', { documents: [...documents, { text: '[', origin: 'bad.yaml' }] }, ana);
    await api.call('applyResources', { documents }, ana);
    await api.call('applyResources', { documents: documents.slice(1) }, ana);
    expect(await lines({ resource: 'batch' })).toEqual([
      'ana ApplyResources batch/2 documents: recipe/one, recipe/two allowed OK',
      'ana ApplyResources batch/3 documents: recipe/one, recipe/two allowed INVALID_ARGUMENT',
    ]);
    expect(await lines({ resource: 'recipe/two' })).toEqual(Array.from({ length: 2 }, () => 'ana ApplyResources recipe/two allowed OK'));
    expect(await lines({ resource: 'recipe/one' })).toEqual(['ana ApplyResources recipe/one allowed OK']);
  });

  test('keeps little of a batch that is refused, however many documents it has and whatever they say', async () => {
    const text = `kind: ${'k'.repeat(500)}\nname: ${'n'.repeat(500)}\n`;
    const before = (await entries({ actor: 'ana', pageSize: 1000 })).length;
    const documents = Array.from({ length: 10_000 }, () => ({ text }));
    expect(await api.call('applyResources', { documents }, ana)).toMatchObject({ code: 'INVALID_ARGUMENT' });
    const [entry, ...others] = await entries({ actor: 'ana', pageSize: 1000 });
    expect(others).toHaveLength(before);
    expect(entry?.resource).toMatch(/^batch\/10000 documents: k+/);
    expect(entry?.resource.length).toBeLessThan(300);
  });

  test('without the entries of its documents, a batch is not written', async () => {
    const documents = ['three', 'four'].map((name) => ({ text: recipe(name, ', kind: recipe') }));
    await sql`alter table audit_entries add constraint no_four check (name <> 'four') not valid`.execute(api.db.database);
    expect(await api.call('applyResources', { documents }, ana)).toMatchObject({ code: 'INTERNAL' });
    await sql`alter table audit_entries drop constraint no_four`.execute(api.db.database);
    expect(await api.call('getResource', { kind: 'recipe', name: 'three' }, ana)).toMatchObject({ code: 'NOT_FOUND' });
  });

  test('keeps a denial that is not the first fault of a batch, also of one that is only tried', async () => {
    const documents = [
      { text: 'kind: group\nname: mine' },
      { text: '[' },
      ...Array.from({ length: 300 }, () => ({ text: 'kind: recipe' })),
    ];
    expect(await api.call('applyResources', { documents: documents.toReversed(), dryRun: true }, ana)).toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
    expect(await api.call('applyResources', { documents }, ana)).toMatchObject({ code: 'PERMISSION_DENIED' });
    expect(await lines({ resource: 'batch', deniedOnly: true })).toEqual([
      'ana ApplyResources batch/302 documents: group/mine denied PERMISSION_DENIED',
      'ana ApplyResources batch/302 documents denied PERMISSION_DENIED',
    ]);
  });

  test('has a call in it while it acts, and its outcome after', async () => {
    const operator = await api.signIn('op', { reach: 'operator' });
    let during: string[] = [];
    api.build.run = async () => {
      during = await lines({ actor: 'op' });
    };
    expect(await api.call('buildBase', {}, operator)).toMatchObject({ code: 'OK' });
    expect(during).toEqual(['op BuildBase image allowed ']);
    api.build.run = async () => Promise.reject(new Error('broken'));
    await api.call('buildBase', {}, operator);
    expect(await lines({ actor: 'op' })).toEqual(['op BuildBase image allowed INTERNAL', 'op BuildBase image allowed OK']);
  });

  test('without its entry, a call does not happen', async () => {
    await set('kept', ana);
    await sql`alter table audit_entries add constraint no_removal check (action <> 'RemoveResource') not valid`.execute(api.db.database);
    expect(await api.call('removeResource', { kind: 'recipe', name: 'kept' }, ana)).toMatchObject({ code: 'INTERNAL' });
    await sql`alter table audit_entries drop constraint no_removal`.execute(api.db.database);
    expect(await api.call('getResource', { kind: 'recipe', name: 'kept' }, ana)).toMatchObject({ code: 'OK' });
  });

  test.each([
    'update audit_entries set actor = $$x$$',
    'delete from audit_entries',
    'truncate audit_entries cascade',
    'update audit_outcomes set code = $$OK$$',
    'delete from audit_outcomes',
    'truncate audit_outcomes',
  ])('takes no "%s"', async (statement) => {
    await set('traced', ana);
    await expect(sql.raw(statement).execute(api.db.database)).rejects.toThrow('the audit log is append-only');
  });

  test('is each tenant’s own', async () => {
    await set('hidden-from-others', ana);
    await api.bind('local/other', 'olga', ['*']);
    const olga = await api.signIn('olga', { tenant: 'local/other' });
    await set('of-the-other', olga);
    expect((await entries({}, olga)).map(({ actor, resource }) => `${actor} ${resource}`)).toEqual(['olga recipe/of-the-other']);
    expect(await entries({ resource: 'recipe/of-the-other' })).toEqual([]);
    expect(await entries({ resource: 'recipe/hidden-from-others' }, olga)).toEqual([]);
  });

  test('comes in pages whose tokens hold for their own filters', async () => {
    for (const name of ['p1', 'p2', 'p3']) await set(name, ana);
    const first = await page({ actor: 'ana', pageSize: 2 });
    const second = await page({ actor: 'ana', pageSize: 2, pageToken: first.next });
    expect([...first.entries, ...second.entries].map(({ resource }) => resource).slice(0, 3)).toEqual([
      'recipe/p3',
      'recipe/p2',
      'recipe/p1',
    ]);
    const refused = { code: 'INVALID_ARGUMENT', message: 'invalid page_token' };
    expect(await api.call('listAuditEntries', { actor: 'auditor', pageToken: first.next }, auditor)).toMatchObject(refused);
    const forged = Buffer.from(JSON.stringify(['audit', '["","ana","false"]', 'x', 0])).toString('base64url');
    expect(await api.call('listAuditEntries', { actor: 'ana', pageToken: forged }, auditor)).toMatchObject(refused);
    expect(await api.call('listAuditEntries', { actor: 'ana', pageToken: 'x' }, auditor)).toMatchObject(refused);
    expect(await api.call('listAuditEntries', { pageSize: 1001 }, auditor)).toMatchObject({
      message: 'page_size must be between 1 and 1000',
    });
  });

  test.each([
    ['a NUL', 'recipe/\0'],
    ['a kind there is not', 'nonsense'],
  ])('holds nothing about %s', async (_, resource) => {
    expect(await entries({ resource })).toEqual([]);
  });

  test('takes names that the database could not hold', async () => {
    const name = `\0${'x'.repeat(10_000)}`;
    await api.call('removeResource', { kind: 'recipe', name }, ana);
    const [entry] = await entries({ actor: 'ana', pageSize: 1 });
    expect([entry?.action, entry?.resource.length]).toEqual(['RemoveResource', 'recipe/'.length + 256]);
  });
});

test('the audit log takes so many refused calls of a caller, says when they become too many, and goes on for the others', async () => {
  await using api = await startTestApi({ refusals: { burst: 3, perSecond: 0 } });
  await api.bind('local/default', 'ana', ['recipe.*']);
  await api.bind('local/default', 'ben', ['recipe.*', 'audit.list']);
  const [ana, ben] = [await api.signIn('ana'), await api.signIn('ben')];
  const set = (document: string, headers: CallHeaders) => api.call('setResource', { kind: 'recipe', name: 'a', document }, headers);
  const all = () => api.db.database.selectFrom('audit_entries').select(['actor', 'action', 'kind']).orderBy('id').execute();
  const before = (await all()).length;
  expect(await set('name: b', ana)).toMatchObject({ code: 'INVALID_ARGUMENT' });
  for (let index = 0; index < 10; index++) {
    expect(await api.call('getResource', { kind: 'group', name: 'x' }, ana)).toMatchObject({ code: 'PERMISSION_DENIED' });
  }
  expect(await set('name: b', ana)).toMatchObject({ code: 'RESOURCE_EXHAUSTED', message: 'too many of your calls were refused' });
  expect(await api.call('getResource', { kind: 'recipe', name: 'none' }, ana)).toMatchObject({ code: 'NOT_FOUND' });
  expect(await set('name: b', ben)).toMatchObject({ code: 'INVALID_ARGUMENT' });
  expect((await all()).slice(before)).toEqual([
    { actor: 'ana', action: 'SetResource', kind: 'recipe' },
    { actor: 'ana', action: 'GetResource', kind: 'group' },
    { actor: 'ana', action: 'GetResource', kind: 'group' },
    { actor: 'ana', action: 'GetResource', kind: 'refused' },
    { actor: 'ben', action: 'SetResource', kind: 'recipe' },
  ]);
});
