import { MurmurError } from '@murmur/api';

import type { DatabaseTransaction } from '../database/tables.js';
import { type Address, addressOf } from './address.js';
import { PLATFORM_TENANT, type Permits, type Reader } from './context.js';
import type { FieldFault } from './faults.js';
import { referencedRow } from './shared-rows.js';
import type { Kind, Reference } from './kind.js';
import { decodeSpec, lockResource } from './store.js';
import { type Target, Targets } from './targets.js';

/**
 * Finds what the references name and keeps it from being changed or removed until the transaction ends, so that nothing
 * is left pointing at what a removal at the same time took away. What the writer may neither read nor list is missing, whether
 * it exists or not: the answer must not tell.
 */
export async function lockTargets(
  trx: DatabaseTransaction,
  onBehalf: Reader,
  references: readonly Reference[],
  kindNamed: (name: string) => Kind,
): Promise<{ targets: Targets; missing: FieldFault[] }> {
  const found: Target[] = [];
  const missing = new Set<Reference>();
  // Always in the same order, so that two writers never wait for each other's lock.
  const ordered = references.toSorted((a, b) => compare(`${a.kind}/${a.name}`, `${b.kind}/${b.name}`));
  for (const reference of ordered) {
    const kind = kindNamed(reference.kind);
    const address = addressOf(kind, onBehalf, reference.name);
    const stored = address === undefined || isHidden(address, onBehalf.permits) ? undefined : await lockResource(trx, address, 'reference');
    if (stored === undefined || address === undefined) missing.add(reference);
    else found.push({ path: reference.path, address, spec: decodeSpec(kind.schema, stored.spec) });
  }
  return { targets: new Targets(found), missing: references.filter((one) => missing.has(one)).map((one) => one.missing) };
}

/** Builtins are nobody's secret. */
function isHidden({ tenant, kind, name }: Address, permits: Permits): boolean {
  return tenant !== PLATFORM_TENANT && !permits.holds(`${kind}.read`, name) && !permits.holds(`${kind}.list`, name);
}

/**
 * Throws FAILED_PRECONDITION with every resource and running bake that still uses this one. Of those that the caller may neither
 * read nor list it says only how many there are.
 */
export async function refuseIfReferenced(
  trx: DatabaseTransaction,
  { permits }: Pick<Reader, 'permits'>,
  { errors }: Kind,
  { tenant, kind, name }: Address,
): Promise<void> {
  const resources = await trx
    .selectFrom('resource_references')
    .select(['kind', 'name'])
    .where('target_tenant', '=', tenant)
    .where('target_kind', '=', kind)
    .where('target_name', '=', name)
    .execute();
  const runs = await trx
    .selectFrom('run_references')
    .select('run_id as name')
    .where('target_tenant', '=', tenant)
    .where('target_kind', '=', kind)
    .where('target_name', '=', name)
    .execute();
  const referrers = [...resources, ...runs.map((run) => ({ kind: 'bake', name: run.name }))];
  if (referrers.length === 0) return;
  const onlyBakes = resources.length === 0;
  const { code, hint, message } = errors['referenced'] ?? referencedRow(kind, 'Y');
  const shown = listed(referrers, (referrer) => referrer.kind === 'bake' || !isHidden({ tenant, ...referrer }, permits));
  throw new MurmurError(code, message(name, shown), {
    hint: onlyBakes ? 'Wait for the bake to end or cancel it with "murmur bakes cancel".' : hint,
  });
}

interface Referrer {
  readonly kind: string;
  readonly name: string;
}

function listed(referrers: readonly Referrer[], isShown: (referrer: Referrer) => boolean): string {
  const kinds = [...new Set(referrers.map((referrer) => referrer.kind))].sort(compare);
  return kinds
    .map((kind) => {
      const names = new Set(referrers.filter((referrer) => referrer.kind === kind).map((referrer) => referrer.name));
      const shown = [...names].filter((name) => isShown({ kind, name })).sort(compare);
      const hidden = names.size - shown.length;
      return `${kind}: ${[...shown, ...(hidden > 0 ? [`${hidden} not shown to you`] : [])].join(', ')}`;
    })
    .join('; ');
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
