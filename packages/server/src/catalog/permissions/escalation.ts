import type { Message } from '@bufbuild/protobuf';
import { MurmurError } from '@murmur/api';

import type { DatabaseTransaction, Queryable } from '../../database/tables.js';
import { type Address, addressOf } from '../address.js';
import type { Permits, Reader } from '../context.js';
import type { Given, Kind } from '../kind.js';
import { kindNamed } from '../kinds/index.js';
import { type Target, Targets } from '../targets.js';
import { decodeSpec, findResource } from '../store.js';

/** Throws PERMISSION_DENIED for the first thing given that its giver does not hold: nobody can make themselves more than they are. */
export function requireHeld(permits: Permits, given: readonly Given[]): void {
  // A pattern read as a name matches only what is as wide or wider: each of its stars falls to a star there.
  const lacking = given.find(({ permission, names }) => !permits.holds(permission, names));
  if (lacking === undefined) return;
  const only = lacking.names === '*' ? '' : ` for names matching "${lacking.names}"`;
  throw new MurmurError('PERMISSION_DENIED', `cannot give ${lacking.permission}: you do not hold it`, {
    hint: `Ask somebody who holds ${lacking.permission}${only} to do it.`,
  });
}

/** As {@link requireHeld}, for what a document gives that is about to be written, directly or to those it counts in. */
export async function requireGiveable(
  trx: DatabaseTransaction,
  permits: Permits,
  { kind, address, spec, targets }: { readonly kind: Kind; readonly address: Address; readonly spec: Message; readonly targets: Targets },
): Promise<void> {
  // Who holds everything may give everything, and nothing has to be read for that.
  if (permits.holds('*', '*')) return;
  requireHeld(permits, kind.countsIn === true ? await givenTo(trx, permits, address) : (kind.gives?.(spec, targets) ?? []));
}

/** What the resources that name this one give to those in it. */
async function givenTo(trx: DatabaseTransaction, permits: Permits, { tenant, kind, name }: Address): Promise<Given[]> {
  const referrers = await trx
    .selectFrom('resource_references')
    .select(['kind', 'name'])
    .distinct()
    .where('target_tenant', '=', tenant)
    .where('target_kind', '=', kind)
    .where('target_name', '=', name)
    .execute();
  const given: Given[] = [];
  for (const referrer of referrers) {
    const giver = kindNamed(referrer.kind);
    const stored = await findResource(trx, { tenant, ...referrer });
    if (stored === undefined || giver.gives === undefined) continue;
    const spec = decodeSpec(giver.schema, stored.spec);
    given.push(...giver.gives(spec, await readTargets(trx, { tenant, permits }, giver, spec)));
  }
  return given;
}

/** Without locks: whoever changes one of these answers for what that gives. */
async function readTargets(queryable: Queryable, reader: Reader, kind: Kind, spec: Message): Promise<Targets> {
  const found: Target[] = [];
  for (const reference of kind.references?.(spec) ?? []) {
    const target = kindNamed(reference.kind);
    const address = addressOf(target, reader, reference.name);
    const stored = address && (await findResource(queryable, address));
    if (address && stored) found.push({ path: reference.path, address, spec: decodeSpec(target.schema, stored.spec) });
  }
  return new Targets(found);
}
