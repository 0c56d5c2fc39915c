import type { DescMethod, Message, MessageShape } from '@bufbuild/protobuf';
import { type MurmurService, StartBakeResponse_Outcome as Outcome } from '@murmur/api';

import type { Access } from '../access/access.js';
import type { AuditedName } from '../access/audit.js';
import { missingPermission } from '../access/denials.js';
import type { Identity } from '../access/identity.js';
import type { PermissionVerb } from '../catalog/permissions/permission-names.js';
import { kindNamed } from '../catalog/kinds/index.js';
import { batchName } from './batch-name.js';

type Methods = typeof MurmurService.method;

/** The name of a call, such as `getResource`. */
export type CallName = keyof Methods;

/** A permission that a call needs of its caller. */
export interface Need {
  /** Any one of these will do; the first is the one a caller without them is told of. */
  readonly anyOf: readonly [string, ...string[]];
  /** For the resource of this name, for at least one name, or for all. */
  readonly of: { readonly name: string } | 'some name' | 'every name';
}

/** How much one request of a call may bring. */
export interface CallLimits {
  /** Of its body, in whichever format. */
  readonly bytes: number;
  /** Its fields and list items, those of messages inside it too. */
  readonly elements: number;
}

const MiB = 1024 * 1024;

/** A document of 2 MiB, the longest there may be, even where JSON spells each byte as `\u0000`; and what stands around it. */
const documentBytes = 13 * MiB;

/** Names, filters and page tokens. */
const small: CallLimits = { bytes: 64 * 1024, elements: 5000 };

/** Who may make a call, what it may bring, and what the audit log keeps of it. */
export interface CallRule<Request, Response> {
  /**
   * `anyone` needs no token and `token` nothing else; `operator` is for who runs this installation. A permission with
   * `ofRun` is needed for the recipe of the run that the request names. Otherwise the permissions, by the request.
   */
  readonly takes: 'anyone' | 'token' | 'operator' | { readonly ofRun: string } | ((request: Request, caller: Identity) => readonly Need[]);
  /** How much a request may bring; names, filters and page tokens unless given. */
  readonly brings?: CallLimits;
  /** What the call is about; nothing in particular unless given. */
  about?(request: Request): readonly AuditedName[] | Promise<readonly AuditedName[]>;
  /** Whether the audit log keeps calls that were allowed: those that change or hand out something. It keeps every call that was denied. */
  readonly audited: 'always' | 'when denied' | ((request: Request) => 'always' | 'when denied');
  /** What the call has made, which could not be named before it; an empty name for nothing. */
  made?(response: Response): AuditedName;
}

type Rules = { readonly [Name in CallName]: CallRule<MessageShape<Methods[Name]['input']>, MessageShape<Methods[Name]['output']>> };

/** Every call there is. One without an entry does not compile. */
export const callRules: Rules = {
  getResource: { takes: ({ kind, name }) => [on(kind, ['read'], name)], about: resource, audited: 'when denied' },
  listResources: { takes: ({ kind }) => [some(kind, 'list')], about: ({ kind }) => [{ kind, name: '' }], audited: 'when denied' },
  // Which of the two it takes is decided where it is known whether there is one already.
  setResource: {
    takes: ({ kind, name }) => [on(kind, ['edit', 'create'], name)],
    brings: { bytes: documentBytes, elements: 5000 },
    about: resource,
    audited: 'always',
  },
  patchResource: {
    takes: ({ kind, name }) => [on(kind, ['edit'], name)],
    brings: { bytes: documentBytes, elements: 5000 },
    about: resource,
    audited: 'always',
  },
  removeResource: { takes: ({ kind, name }) => [on(kind, ['delete'], name)], about: resource, audited: 'always' },
  listGenerations: { takes: ({ kind, name }) => [on(kind, ['read'], name)], about: resource, audited: 'when denied' },
  // What a kind is made of is the same for everyone.
  describeKinds: { takes: 'token', audited: 'when denied' },
  // Each document needs what setting it alone would need, and that is asked where the documents are read.
  applyResources: {
    takes: 'token',
    // 10,000 documents of three fields each; in JSON a field and what separates it from the next count both.
    brings: { bytes: documentBytes, elements: 100_000 },
    about: ({ documents }) => [batchName(documents)],
    audited: ({ dryRun }) => (dryRun ? 'when denied' : 'always'),
  },

  startBake: {
    takes: ({ recipe, serviceProfile, variables }, { tenant }) => [
      { anyOf: ['recipe.edit'], of: { name: recipe } },
      // Elsewhere, and together with variables, a service profile is refused by itself and for everyone.
      ...(serviceProfile !== '' && Object.keys(variables).length === 0 && tenant.startsWith('github_app/')
        ? [{ anyOf: ['service-profile.assume'], of: { name: serviceProfile } } as const]
        : []),
    ],
    // 512 KiB of variables, however they are spelled.
    brings: { bytes: 4 * MiB, elements: 5000 },
    about: ({ recipe }) => [{ kind: 'recipe', name: recipe }],
    audited: ({ planOnly }) => (planOnly ? 'when denied' : 'always'),
    made: ({ outcome, runId }) => ({ kind: 'bake', name: outcome === Outcome.STARTED ? runId : '' }),
  },
  listBakes: {
    takes: listingOf,
    about: () => [{ kind: 'bake', name: '' }],
    audited: 'when denied',
  },
  getBake: { takes: { ofRun: 'recipe.read' }, about: run, audited: 'when denied' },
  cancelBake: { takes: { ofRun: 'recipe.edit' }, about: run, audited: 'always' },
  streamBakeLog: { takes: { ofRun: 'recipe.read' }, about: run, audited: 'when denied' },

  watchBakes: { takes: listingOf, about: () => [{ kind: 'bake', name: '' }], audited: 'when denied' },
  getBakeStatistics: { takes: listingOf, about: () => [{ kind: 'bake', name: '' }], audited: 'when denied' },

  buildBase: { takes: 'operator', about: ({ name }) => [{ kind: 'image', name }], audited: 'always' },
  tryImage: {
    takes: ({ image }) => [
      { anyOf: ['image.read'], of: { name: image } },
      { anyOf: ['recipe.edit'], of: 'some name' },
    ],
    // The arguments of a command.
    brings: { bytes: MiB, elements: 20_000 },
    about: ({ image }) => [{ kind: 'image', name: image }],
    audited: 'always',
  },
  exportImage: {
    takes: ({ name }) => [{ anyOf: ['image.read'], of: { name } }],
    about: ({ name }) => [{ kind: 'image', name }],
    // It changes nothing here, and takes a whole disk out of the house.
    audited: 'always',
  },

  findBases: {
    takes: ({ placement }) => [{ anyOf: ['placement.read'], of: { name: placement } }],
    about: ({ placement }) => [{ kind: 'placement', name: placement }],
    audited: 'when denied',
  },
  checkPlacement: {
    takes: ({ name }) => [{ anyOf: ['placement.read'], of: { name } }],
    about: ({ name }) => [{ kind: 'placement', name }],
    audited: 'when denied',
  },

  listHosts: { takes: 'operator', about: () => [{ kind: 'host', name: '' }], audited: 'when denied' },
  retireHost: { takes: 'operator', about: ({ host }) => [{ kind: 'host', name: host }], audited: 'always' },

  // Why a substrate is not available is for those who may read the measurements.
  listSubstrates: { takes: 'token', audited: 'when denied' },

  // The name of a key is whom it speaks for: who may make keys for some names speaks for no others.
  createApiKey: {
    takes: ({ subject }) => [{ anyOf: ['api-key.create'], of: { name: subject } }],
    about: ({ subject }) => [{ kind: 'api-key', name: subject }],
    audited: 'always',
    made: ({ key }) => ({ kind: 'api-key', name: key?.id ?? '' }),
  },
  listApiKeys: {
    takes: () => [{ anyOf: ['api-key.list'], of: 'some name' }],
    about: () => [{ kind: 'api-key', name: '' }],
    audited: 'when denied',
  },
  // Whoever holds a key can also give it up.
  revokeApiKey: {
    takes: ({ id }, { keyId }) => (id !== '' && id === keyId ? [] : [{ anyOf: ['api-key.delete'], of: 'some name' }]),
    about: ({ id }) => [{ kind: 'api-key', name: id }],
    audited: 'always',
  },
  createTenant: { takes: 'operator', about: ({ id }) => [{ kind: 'tenant', name: id }], audited: 'always' },
  listTenants: { takes: 'operator', about: () => [{ kind: 'tenant', name: '' }], audited: 'when denied' },
  checkPermissions: { takes: 'token', audited: 'when denied' },
  // Entries are about resources of any name, and of calls about none.
  listAuditEntries: {
    takes: () => [{ anyOf: ['audit.list'], of: 'every name' }],
    about: () => [{ kind: 'audit', name: '' }],
    audited: 'when denied',
  },

  // It hands out what its caller has already, to whoever brings the code.
  createSignInCode: { takes: 'token', audited: 'always' },
  redeemSignInCode: { takes: 'anyone', brings: { bytes: 1024, elements: 10 }, audited: 'when denied' },
  // It has no field, and strangers may send it.
  listIssuers: { takes: 'anyone', brings: { bytes: 1024, elements: 10 }, audited: 'when denied' },
  whoAmI: { takes: 'token', audited: 'when denied' },
  getVersion: { takes: 'token', audited: 'when denied' },
};

/** The rule of a method of the service. */
export function ruleOf(method: DescMethod): CallRule<Message, Message> {
  // The mapped type above holds each rule to its own request's message; a method found at run time has lost which it is.
  return callRules[method.localName as CallName] as CallRule<Message, Message>;
}

/** What a request of this call may bring. */
export function limitsOf(call: CallName): CallLimits {
  return callRules[call].brings ?? small;
}

/** Throws PERMISSION_DENIED for the first need that the caller's access does not meet. */
export function requireNeeds(access: Access, needs: readonly Need[]): void {
  for (const { anyOf, of } of needs) {
    if (!anyOf.some((permission) => meets(access, permission, of))) throw missingPermission(anyOf[0]);
  }
}

function meets(access: Access, permission: string, of: Need['of']): boolean {
  if (of === 'some name') return access.namesFor(permission).length > 0;
  return of === 'every name' ? access.namesFor(permission).includes('*') : access.holds(permission, of.name);
}

function resource({ kind, name }: AuditedName): readonly AuditedName[] {
  return [{ kind, name }];
}

/** For the bakes of one recipe, or of those that the caller may list. */
function listingOf({ recipe }: { readonly recipe: string }): readonly Need[] {
  return [{ anyOf: ['recipe.list'], of: recipe === '' ? 'some name' : { name: recipe } }];
}

function run({ runId }: { readonly runId: string }): readonly AuditedName[] {
  return [{ kind: 'bake', name: runId }];
}

/** Throws INVALID_ARGUMENT for a kind there is not: which there are is no secret. */
function on(kind: string, verbs: readonly [PermissionVerb, ...PermissionVerb[]], name: string): Need {
  const known = kindNamed(kind).name;
  const [first, ...others] = verbs;
  return { anyOf: [`${known}.${first}`, ...others.map((verb) => `${known}.${verb}`)], of: { name } };
}

function some(kind: string, verb: PermissionVerb): Need {
  return { anyOf: [`${kindNamed(kind).name}.${verb}`], of: 'some name' };
}
