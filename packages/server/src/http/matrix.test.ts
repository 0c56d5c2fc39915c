import { type MessageInitShape, ScalarType } from '@bufbuild/protobuf';
import { MurmurService } from '@murmur/api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { createApiKey, revokeApiKey } from '../access/api-keys.js';
import { printToken, newToken } from '../access/token.js';
import { insertRun } from '../bake/runs/testing-runs.js';
import { permissionNouns, permissionVerbs } from '../catalog/permissions/permission-names.js';
import { type CallName, callRules } from './call-rules.js';
import { type Answer, type CallHeaders, type TestApi, startTestApi } from './testing-api.js';

/** What a request can be about: the caller's tenant has it, only another tenant has it, or nobody has. */
const owners = ['own', 'foreign', 'absent'] as const;
type Owner = (typeof owners)[number];

/** Names of each, by what they name. */
type Things = Readonly<Record<'recipe' | 'image' | 'spare' | 'run' | 'key', string>>;

interface Row<Name extends CallName> {
  readonly takes: 'anyone' | 'token' | 'operator' | readonly [string, ...string[]];
  /** How the call ends for who may make it; `OK` unless given. */
  readonly ends?: string;
  readonly request: (things: Things) => MessageInitShape<(typeof MurmurService.method)[Name]['input']>;
  /** The request names something: what it asks for can be absent or another tenant's. */
  readonly names?: 'resource' | 'run' | 'key';
}

const documentOf = (name: string) =>
  `{name: ${name}, base_image_gce_ref: murmur-gce-base, provisioning_script: "true", provisioning_timeout: 5m, description: changed}`;
const place = { environment: 'murmur-qemu-small', placement: 'murmur-qemu-local' };

/** Every call; one without a row does not compile, and fails below. */
const matrix: { readonly [Name in CallName]: Row<Name> } = {
  getResource: { takes: ['recipe.read'], request: ({ recipe: name }) => ({ kind: 'recipe', name }), names: 'resource' },
  listResources: { takes: ['recipe.list'], request: () => ({ kind: 'recipe' }) },
  setResource: { takes: ['recipe.edit'], request: ({ recipe: name }) => ({ kind: 'recipe', name, document: documentOf(name) }) },
  patchResource: {
    takes: ['recipe.edit'],
    request: ({ recipe: name }) => ({ kind: 'recipe', name, fields: [{ path: 'description', value: { case: 'text', value: 'new' } }] }),
    names: 'resource',
  },
  removeResource: { takes: ['image.delete'], request: ({ spare: name }) => ({ kind: 'image', name }), names: 'resource' },
  listGenerations: { takes: ['recipe.read'], request: ({ recipe: name }) => ({ kind: 'recipe', name }), names: 'resource' },
  describeKinds: { takes: 'token', request: () => ({}) },
  applyResources: {
    takes: ['recipe.edit'],
    request: ({ recipe }) => ({ documents: [{ text: documentOf(recipe).replace('{', '{kind: recipe, '), origin: 'a.yaml' }] }),
  },

  startBake: { takes: ['recipe.edit'], ends: 'INVALID_ARGUMENT', request: ({ recipe }) => ({ recipe, ...place }), names: 'resource' },
  listBakes: { takes: ['recipe.list'], request: () => ({}) },
  getBake: { takes: ['recipe.read'], request: ({ run: runId }) => ({ runId }), names: 'run' },
  cancelBake: { takes: ['recipe.edit'], ends: 'FAILED_PRECONDITION', request: ({ run: runId }) => ({ runId }), names: 'run' },
  streamBakeLog: { takes: ['recipe.read'], request: ({ run: runId }) => ({ runId }), names: 'run' },
  watchBakes: { takes: ['recipe.list'], request: () => ({}) },
  getBakeStatistics: { takes: ['recipe.list'], request: () => ({}) },

  buildBase: { takes: 'operator', request: () => ({}) },
  tryImage: {
    takes: ['image.read', 'recipe.edit'],
    ends: 'FAILED_PRECONDITION',
    request: ({ image }) => ({ image, ...place, command: ['true'] }),
    names: 'resource',
  },
  exportImage: { takes: ['image.read'], ends: 'FAILED_PRECONDITION', request: ({ image: name }) => ({ name }), names: 'resource' },

  findBases: { takes: ['placement.read'], request: ({ recipe: placement }) => ({ placement }), ends: 'NOT_FOUND' },
  checkPlacement: { takes: ['placement.read'], request: ({ recipe: name }) => ({ name }), ends: 'NOT_FOUND' },

  listHosts: { takes: 'operator', request: () => ({}) },
  retireHost: { takes: 'operator', ends: 'NOT_FOUND', request: () => ({ host: 'nobody' }) },

  listSubstrates: { takes: 'token', request: () => ({}) },

  createApiKey: { takes: ['api-key.create'], request: () => ({ subject: 'bo' }) },
  listApiKeys: { takes: ['api-key.list'], request: () => ({ all: true }) },
  revokeApiKey: { takes: ['api-key.delete'], request: ({ key: id }) => ({ id }), names: 'key' },
  createTenant: { takes: 'operator', request: () => ({ id: 'local/new', admins: ['ada'] }) },
  listTenants: { takes: 'operator', request: () => ({}) },
  checkPermissions: { takes: 'token', request: () => ({ permissions: ['recipe.edit'] }) },
  listAuditEntries: { takes: ['audit.list'], request: () => ({}) },

  createSignInCode: { takes: 'token', request: () => ({}) },
  redeemSignInCode: { takes: 'anyone', ends: 'UNAUTHENTICATED', request: () => ({ code: 'x' }) },
  listIssuers: { takes: 'anyone', request: () => ({}) },
  whoAmI: { takes: 'token', request: () => ({}) },
  getVersion: { takes: 'token', request: () => ({}) },
};

/** What a name in a request can be of, beside the kinds of resources. */
type Nameable = 'environment' | 'placement' | 'service-profile';

/** A name that a call looks up, of something its caller may have no right to read. The other names of a call decide whether it is allowed at all. */
interface Lookup {
  readonly call: CallName;
  readonly kind: Nameable;
  readonly request: (name: string, things: Things) => object;
  /** What is said of one that is not there. */
  readonly absent: { readonly code: string; readonly message: (name: string) => string };
}

const notFound = (kind: Nameable) => ({ code: 'NOT_FOUND', message: (name: string) => `${kind} "${name}" not found` });
const lookups: Readonly<Record<string, Lookup>> = {
  'startBake.environment': {
    call: 'startBake',
    kind: 'environment',
    request: (environment, { recipe }) => ({ ...place, recipe, environment }),
    absent: notFound('environment'),
  },
  'startBake.placement': {
    call: 'startBake',
    kind: 'placement',
    request: (placement, { recipe }) => ({ ...place, recipe, placement }),
    absent: notFound('placement'),
  },
  'tryImage.environment': {
    call: 'tryImage',
    kind: 'environment',
    request: (environment, { image }) => ({ ...place, image, command: ['true'], environment }),
    absent: notFound('environment'),
  },
  'tryImage.placement': {
    call: 'tryImage',
    kind: 'placement',
    request: (placement, { image }) => ({ ...place, image, command: ['true'], placement }),
    absent: notFound('placement'),
  },
  'createApiKey.subject': {
    call: 'createApiKey',
    kind: 'service-profile',
    request: (name) => ({ subject: `service-profile/${name}` }),
    absent: { code: 'FAILED_PRECONDITION', message: (name) => `subject "service-profile/${name}" does not exist` },
  },
};

/** Names that the rule of the call asks a permission for before anything is looked up, which the rows above are about. */
const judged = [
  ...['watchBakes.recipe', 'getBakeStatistics.recipe'],
  ...['getResource', 'setResource', 'patchResource', 'removeResource', 'listGenerations', 'exportImage', 'checkPlacement'].map(
    (call) => `${call}.name`,
  ),
  ...['startBake.recipe', 'startBake.serviceProfile', 'findBases.placement', 'listBakes.recipe', 'tryImage.image', 'revokeApiKey.id'],
  ...['getBake', 'cancelBake', 'streamBakeLog'].map((call) => `${call}.runId`),
];

/** Texts that name nothing which could be another's, or are only compared with what the caller may see anyway. */
const words = [
  ...['getResource', 'listResources', 'setResource', 'patchResource', 'removeResource', 'listGenerations'].map((call) => `${call}.kind`),
  ...['listResources', 'listGenerations', 'listBakes', 'listApiKeys', 'listTenants', 'listAuditEntries'].map((call) => `${call}.pageToken`),
  ...['setResource.document', 'setResource.fields', 'patchResource.fields', 'applyResources.documents', 'describeKinds.kind'],
  ...['startBake.variables', 'startBake.keepOnFailure', 'listBakes.environment', 'listBakes.placement', 'tryImage.command'],
  ...['buildBase.name', 'createApiKey.description', 'createApiKey.expiresIn', 'createTenant.id', 'createTenant.admins', 'retireHost.host'],
  ...['redeemSignInCode.code', 'listBakes.phases', 'watchBakes.environment', 'watchBakes.placement'],
  ...['checkPermissions.permissions', 'checkPermissions.resource', 'listAuditEntries.resource', 'listAuditEntries.actor'],
];

const calls = MurmurService.methods.map((method) => method.localName as CallName);
const everyPermission = permissionNouns.flatMap((noun) => permissionVerbs.map((verb) => `${noun}.${verb}`));
const permissionsOf = (name: CallName): readonly string[] => {
  const { takes } = matrix[name];
  return typeof takes === 'string' ? [] : takes;
};
const that = (takes: 'anyone' | 'token' | 'operator') => calls.filter((name) => matrix[name].takes === takes);
const needingToken = calls.filter((name) => matrix[name].takes !== 'anyone');
const needingPermission = calls.filter((name) => permissionsOf(name).length > 0);
const naming = needingPermission.filter((name) => matrix[name].names !== undefined);

describe('every call', () => {
  let api: TestApi;
  let things: Record<Owner, Things>;

  beforeAll(async () => {
    api = await startTestApi();
    const make = async (tenant: string, prefix: string): Promise<Things> => {
      const names = { recipe: `${prefix}-recipe`, image: `${prefix}-image`, spare: `${prefix}-spare` };
      await api.set(tenant, 'recipe', {
        name: names.recipe,
        base_image_gce_ref: 'murmur-gce-base',
        provisioning_script: 'true',
        provisioning_timeout: '5m',
      });
      for (const name of [names.image, names.spare]) {
        await api.set(tenant, 'image', { name, architecture: 'AMD64', qemu: { disk_digest: `sha256:${'1'.repeat(64)}` } });
      }
      const { id: key } = await createApiKey(api.db.database, { tenant, subject: `${prefix}-user`, reach: 'tenant' });
      const run = await insertRun(api.db.database, tenant, { recipe: names.recipe, phase: 'completed', ended_at: new Date() });
      return { ...names, run, key };
    };
    things = {
      own: await make('local/default', 'own'),
      foreign: await make('local/other', 'foreign'),
      absent: { recipe: 'absent-recipe', image: 'absent-image', spare: 'absent-spare', run: 'zzzzzzzzzzzz', key: 'zzzzzzzzzzzz' },
    };
  });
  afterAll(() => api[Symbol.asyncDispose]());

  const ask = async <Name extends CallName>(name: Name, owner: Owner, headers: CallHeaders): Promise<Answer> => {
    const row: Row<Name> = matrix[name];
    return api.call(name, row.request(things[owner]), headers);
  };
  /** The answer with what was asked for taken out, so that answers about different things can be compared. */
  const blank = ({ code, message }: Answer, owner: Owner): string =>
    Object.values(things[owner]).reduce((text, thing) => text.replaceAll(thing, 'THING'), `${code}: ${message}`);
  const holder = async (subject: string, permissions: readonly string[], names?: string): Promise<CallHeaders> => {
    await api.bind('local/default', subject, permissions, names);
    return api.signIn(subject);
  };
  const expectDenied = async (name: CallName, asked: readonly Owner[], caller: CallHeaders, permission: string) => {
    for (const owner of asked) {
      const { code, message } = await ask(name, owner, caller);
      expect([owner, code, message.replace(/^a\.yaml: /, '')]).toEqual([owner, 'PERMISSION_DENIED', `missing permission ${permission}`]);
    }
  };
  const endOf = (name: CallName): string => matrix[name].ends ?? 'OK';

  test('has each of its texts among those that name something, or among those that do not', () => {
    const texts = MurmurService.methods.flatMap((method) =>
      method.input.fields
        .filter((field) => field.fieldKind === 'list' || field.fieldKind === 'map' || field.scalar === ScalarType.STRING)
        .map((field) => `${method.localName}.${field.localName}`),
    );
    expect(texts.toSorted()).toEqual([...Object.keys(lookups), ...judged, ...words].toSorted());
  });

  test('has a row here and a rule', () => {
    expect(Object.keys(matrix).toSorted()).toEqual(calls.toSorted());
    expect(Object.keys(callRules).toSorted()).toEqual(calls.toSorted());
  });

  test.each(that('anyone'))('%s needs no token', async (name) => {
    for (const headers of [{}, { authorization: 'Bearer mur_x' }]) {
      const { code, message } = await ask(name, 'own', headers);
      expect([code, message]).toEqual([endOf(name), expect.not.stringContaining('identity token')]);
    }
  });

  test.each(needingToken)('%s without a valid token is UNAUTHENTICATED', async (name) => {
    const { database } = api.db;
    const request = { tenant: 'local/default', subject: 'ana', reach: 'operator' } as const;
    const expired = await createApiKey(database, { ...request, lastsMs: -1000 });
    const revoked = await createApiKey(database, request);
    await revokeApiKey(database, 'local/default', revoked.id);
    const live = await createApiKey(database, request);
    const bearers = {
      'a malformed key': 'mur_x',
      'a key nobody has': printToken(newToken()),
      'another secret': `mur_${live.id}.${newToken().secret}`,
      'an expired key': expired.token,
      'a revoked key': revoked.token,
      'an expired identity token': await api.issuer.token({ exp: Math.floor(Date.now() / 1000) - 600 }),
      'an identity token for somebody else': await api.issuer.token({ aud: 'another' }),
    };
    const refused = { code: 'UNAUTHENTICATED', message: 'identity token is missing or expired' };
    expect(await ask(name, 'own', {}), 'no token').toMatchObject(refused);
    for (const [what, bearer] of Object.entries(bearers)) {
      expect(await ask(name, 'own', { authorization: `Bearer ${bearer}` }), what).toMatchObject(refused);
    }
  });

  test.each(needingToken)('%s meant for another tenant is refused, whether there is such a tenant or not', async (name) => {
    const operator = await api.signIn('op', { reach: 'operator' });
    for (const tenant of ['local/other', 'local/none', 'murmur/platform']) {
      expect(await ask(name, 'own', { ...operator, 'murmur-tenant': tenant })).toMatchObject({
        code: 'PERMISSION_DENIED',
        message: `this key does not belong to tenant "${tenant}"`,
      });
    }
  });

  test.each(that('operator'))('%s is for operators, whatever else somebody holds', async (name) => {
    const admin = await holder(`admin-of-${name}`, ['*']);
    const refused = { code: 'PERMISSION_DENIED', message: 'only an operator of this server may do that' };
    expect(await ask(name, 'own', admin)).toMatchObject(refused);
    expect(await ask(name, 'own', await api.signIn('op', { reach: 'operator' }))).toMatchObject({ code: endOf(name) });
  });

  test.each(that('token'))('%s needs a token and nothing else', async (name) => {
    expect(await ask(name, 'own', await api.signIn('nobody'))).toMatchObject({ code: endOf(name) });
    expect(await ask(name, 'own', { authorization: `Bearer ${await api.issuer.token()}` })).toMatchObject({ code: endOf(name) });
  });

  test.each(needingPermission)('%s without its permission is denied, the same for what is there and what is not', async (name) => {
    await expectDenied(name, owners, await api.signIn('nobody'), permissionsOf(name)[0] ?? '');
  });

  test.each(needingPermission.flatMap((name) => permissionsOf(name).map((permission) => [name, permission] as const)))(
    '%s is denied to who holds everything but %s',
    async (name, missing) => {
      const others = everyPermission.filter((permission) => permission !== missing);
      await expectDenied(name, ['own'], await holder(`without-${missing}-${name}`, others), missing);
    },
  );

  test.each(naming)('%s is denied to who holds its permission for other names', async (name) => {
    const caller = await holder(`others-of-${name}`, permissionsOf(name), 'team-*');
    const answers = await Promise.all(owners.map(async (owner) => blank(await ask(name, owner, caller), owner)));
    expect(new Set(answers).size).toBe(1);
    // Neither a run nor a key tells by its id whether it is among these names: for this caller it does not exist.
    expect(answers[0]).toMatch(matrix[name].names === 'resource' ? /^PERMISSION_DENIED: missing permission / : /^NOT_FOUND: /);
  });

  test.each(naming)('%s finds nothing of another tenant', async (name) => {
    const caller = await holder(`seeker-of-${name}`, ['*']);
    const [foreign, absent] = [await ask(name, 'foreign', caller), await ask(name, 'absent', caller)];
    expect(foreign.code).toBe('NOT_FOUND');
    expect(blank(foreign, 'foreign')).toBe(blank(absent, 'absent'));
  });

  test.each(needingPermission)('%s works with its permission alone, on what is the tenant’s own', async (name) => {
    const { code, message, body } = await ask(name, 'own', await holder(`holder-of-${name}`, permissionsOf(name)));
    expect([code, message]).toEqual([endOf(name), expect.not.stringContaining('permission')]);
    // The audit log names what the tenant's own callers asked for above; that it holds nothing else has a test of its own.
    const seen = name === 'listAuditEntries' ? '' : body;
    for (const thing of Object.values(things.foreign)) expect(seen).not.toContain(thing);
  });
  describe.each(Object.entries(lookups))('in %s', (field, { call, kind, request, absent }) => {
    const names = { own: `own-${kind}`, foreign: `foreign-${kind}`, absent: `absent-${kind}` };
    const lookUp = (owner: Owner, caller: CallHeaders) => {
      // The request is the row's own; its type is lost where a test is made of each.
      return api.call<CallName>(call, request(names[owner], things.own), caller);
    };
    beforeAll(async () => {
      const documents = {
        environment: { substrate: 'QEMU', machine_type_ref: 'murmur-qemu-small' },
        placement: { substrate: 'GCP', gcp: { project: 'acme-agents', zones: ['us-central1-a'], subnet: 'agents' } },
        'service-profile': {},
      };
      await api.set('local/default', kind, { name: names.own, ...documents[kind] });
      await api.set('local/other', kind, { name: names.foreign, ...documents[kind] });
    });

    test('what the caller may not read is as absent as what is not there', async () => {
      const others = everyPermission.filter((permission) => permission !== `${kind}.read` && permission !== `${kind}.list`);
      const caller = await holder(`blind-to-${field}`, others);
      for (const owner of owners) {
        expect(await lookUp(owner, caller)).toMatchObject({ code: absent.code, message: absent.message(names[owner]) });
      }
    });

    test.runIf(absent.code === 'NOT_FOUND')('what the caller may not read is a denial in the audit log', async () => {
      const caller = await holder(`denied-${field}`, [...new Set([...permissionsOf(call), 'recipe.read'])]);
      await lookUp('own', caller);
      const entries = api.db.database.selectFrom('audit_entries').innerJoin('audit_outcomes', 'entry', 'audit_entries.id');
      expect(await entries.select('code').where('actor', '=', `denied-${field}`).execute()).toEqual([{ code: 'PERMISSION_DENIED' }]);
    });

    test('what the caller may read is found', async () => {
      const { code, message } = await lookUp('own', await holder(`seer-of-${field}`, ['*']));
      expect(`${code}: ${message}`).not.toContain(absent.message(names.own));
      expect(await lookUp('foreign', await holder(`seeker-in-${field}`, ['*']))).toMatchObject({ message: absent.message(names.foreign) });
    });
  });
});
