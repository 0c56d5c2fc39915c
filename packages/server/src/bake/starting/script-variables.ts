import { type Fault, MurmurError, type Recipe, type ServiceProfile, type StartBakeRequest, refusal, type ErrorRow } from '@murmur/api';

import { bakeErrors } from '../errors.js';
import type { Reader } from '../../catalog/context.js';
import { readSpec } from '../../catalog/read.js';
import { readSecretValues } from '../../catalog/secret-values.js';
import type { DatabaseTransaction, Queryable } from '../../database/tables.js';
import type { TenantKey, TenantKeys } from '../../secrets/tenant-keys.js';
import { found } from './placing.js';

const namePattern = /^[A-Z][A-Z0-9_]*$/;

/** Names that change how a shell, its startup or the dynamic loader works, and so could take over the script. */
const refusedNames = new Set(
  (
    'PATH IFS ENV HOME PWD OLDPWD SHELL SHELLOPTS BASHOPTS PS0 PS1 PS2 PS3 PS4 CDPATH GLOBIGNORE EXECIGNORE POSIXLY_CORRECT PROMPT_COMMAND ' +
    'FUNCNEST OPTIND OPTARG OPTERR UID EUID PPID GROUPS RANDOM SECONDS LINENO GCONV_PATH LOCPATH NLSPATH GETCONF_DIR HOSTALIASES TZDIR'
  ).split(' '),
);
const refusedPrefixes = ['LD_', 'BASH_', 'GLIBC_', 'MALLOC_'];

/** One value must fit in one environment string of Linux (128 KiB with its name). */
const largestValue = 64 * 1024;
/** All of them, in bytes, must leave room in the environment that `execve` takes. */
const largestTotal = 512 * 1024;

/**
 * Checks what `-e` forwards: names as secrets are named, none that steers a shell or the loader, values that fit an
 * environment. Throws INVALID_ARGUMENT with every fault, in name order.
 */
export function checkVariables(variables: Readonly<Record<string, string>>): void {
  const faults: Fault[] = [];
  let total = 0;
  for (const [name, value] of Object.entries(variables).toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    total += Buffer.byteLength(value);
    const row = faultOf(name, value);
    if (row !== undefined) faults.push({ code: row.code, path: `variables.${name}`, message: row.message(name), hint: row.hint });
  }
  if (total > largestTotal) faults.push(...refusal(bakeErrors.forwardedTooLarge, []).faults);
  const [first, ...others] = faults;
  if (first !== undefined) throw MurmurError.ofFaults([first, ...others]);
}

function faultOf(name: string, value: string): ErrorRow<[string]> | undefined {
  if (!namePattern.test(name)) return bakeErrors.variableName;
  if (name.startsWith('MURMUR_')) return bakeErrors.variableReserved;
  if (isSteering(name)) return bakeErrors.variableSteers;
  if (value.includes('\0')) return bakeErrors.variableNul;
  return Buffer.byteLength(value) > largestValue ? bakeErrors.variableTooLong : undefined;
}

/** Whether a variable of this name changes how a shell or the loader works. */
function isSteering(name: string): boolean {
  return refusedNames.has(name) || refusedPrefixes.some((prefix) => name.startsWith(prefix));
}

/** The service profile that a request names, or undefined when it names none. Throws NOT_FOUND. */
export async function serviceProfileOf(
  queryable: Queryable,
  reader: Reader,
  request: StartBakeRequest,
): Promise<ServiceProfile | undefined> {
  if (request.serviceProfile === '') return undefined;
  const reading = readSpec(queryable, reader, 'service-profile', request.serviceProfile);
  return found(reading, 'See which there are with `murmur get service-profile`.');
}

/**
 * Everything the script will see: what `-e` forwards, and of the allow-listed names that it does not, the catalog's values;
 * with a service profile only of those that it lends. What comes from the catalog takes `secret.assume` of whoever bakes, for the
 * script is theirs to change; with a service profile, its grants have decided.
 *
 * Read in the transaction that starts the run and sealed with it, not when the script starts. A value that is replaced or
 * removed meanwhile then changes nothing: each attempt sees the same one, and a server that takes over a running script knows
 * the very value it has to keep out of the log.
 *
 * Throws PERMISSION_DENIED, or FAILED_PRECONDITION with a fault for each name that is missing or that no script can see as a variable.
 */
export async function scriptVariables(
  trx: DatabaseTransaction,
  tenantKeys: TenantKeys,
  { permits, tenant }: Reader,
  {
    profile,
    recipe,
    request,
  }: { readonly recipe: Recipe; readonly request: StartBakeRequest; readonly profile: ServiceProfile | undefined },
): Promise<Record<string, string>> {
  const variables = new Map(Object.entries(request.variables));
  const faults: Fault[] = [];
  const taken = recipe.secretAllowlist.filter((name) => !Object.hasOwn(request.variables, name));
  // Before anything is looked up: whoever may not use a secret does not learn whether it is there.
  if (profile === undefined) for (const name of taken) permits.require('secret.assume', name);
  const isLent = (name: string) => profile === undefined || profile.secretRefs.includes(name);
  const values = await readSecretValues(trx, tenantKeys, tenant, taken.filter(isLent));
  for (const [index, name] of recipe.secretAllowlist.entries()) {
    if (Object.hasOwn(request.variables, name)) continue;
    const value = values.get(name);
    const row = value === undefined ? bakeErrors.secretMissing : isSteering(name) ? bakeErrors.secretSteers : undefined;
    if (row !== undefined) {
      const hint = value === undefined ? missingHint(name, profile) : row.hint;
      faults.push({ code: row.code, path: `secret_allowlist[${index}]`, message: row.message(String(index), name), hint });
    } else if (value !== undefined) variables.set(name, value);
  }
  const [first, ...others] = faults;
  if (first !== undefined) throw MurmurError.ofFaults([first, ...others]);
  const total = [...variables.values()].reduce((sum, value) => sum + Buffer.byteLength(value), 0);
  if (total > largestTotal) {
    throw refusal(bakeErrors.variablesTooLarge, []);
  }
  return Object.fromEntries(variables);
}

/** A secret that is not lent is not told apart from one that is not there. */
function missingHint(name: string, profile: ServiceProfile | undefined): string {
  if (profile === undefined) return `Store it with "murmur secret set ${name}", or forward it with "-e ${name}".`;
  if (profile.secretRefs.includes(name)) return `Store it with "murmur secret set ${name}".`;
  return `Service profile "${profile.name}" does not lend "${name}": add it to the profile's secret_refs.`;
}

/** What the script will see, forwarded or from the catalog, as it waits on the run. */
export function sealVariables(key: TenantKey, runId: string, variables: Readonly<Record<string, string>>): Buffer {
  return key.seal(Buffer.from(JSON.stringify(variables)), `variables of run ${runId}`);
}

/** What the script of a run sees, as long as the run lives. */
export function openVariables(key: TenantKey, runId: string, sealed: Buffer | null): Record<string, string> {
  if (sealed === null) return {};
  return JSON.parse(key.open(sealed, `variables of run ${runId}`).toString()) as Record<string, string>;
}
