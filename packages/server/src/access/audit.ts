import { sql } from 'kysely';

import type { Queryable } from '../database/tables.js';
import type { Identity } from './identity.js';

/** What a call is about: a kind and a name, or `bake` and a run's id. Either may be empty. */
export interface AuditedName {
  readonly kind: string;
  readonly name: string;
}

/** A call as the audit log keeps it. */
export interface AuditedCall {
  readonly identity: Identity;
  /** Where it came from. */
  readonly address: string;
  /** Such as `SetResource`. */
  readonly action: string;
  /** One entry is kept for each. */
  readonly about: readonly [AuditedName, ...AuditedName[]];
  /** Whether the caller's permissions sufficed. */
  readonly verdict: 'allowed' | 'denied';
}

/** How a call ended. */
export interface AuditedOutcome {
  /** `OK` or the error's code. */
  readonly code: string;
  readonly made?: AuditedName | undefined;
}

/** As much of a name that somebody asked for as is kept; real ones are shorter. */
const longestName = 256;

/**
 * Writes down that a call is made. Await it before the call acts: when it throws, the call must not happen. Returns the
 * ids of the entries, for {@link writeAuditOutcome}.
 */
export async function writeAuditEntries(database: Queryable, call: AuditedCall): Promise<number[]> {
  const { identity, address, action, about, verdict } = call;
  const kinds = about.map(({ kind }) => storable(kind));
  const names = about.map(({ name }) => storable(name));
  const { rows } = await sql<{ id: number }>`
    insert into audit_entries (tenant, actor, key_id, address, action, kind, name, allowed)
    select ${identity.tenant}, ${identity.subject}, ${identity.keyId}, ${address}, ${action}, about.kind, about.name, ${verdict === 'allowed'}
    from unnest(${kinds}::text[], ${names}::text[]) with ordinality as about (kind, name, position)
    order by about.position
    returning id`.execute(database);
  return rows.map(({ id }) => id);
}

/** Writes down how the call of these entries ended. */
export async function writeAuditOutcome(database: Queryable, entries: readonly number[], { code, made }: AuditedOutcome): Promise<void> {
  await sql`
    insert into audit_outcomes (entry, code, made_kind, made_name)
    select entry, ${code}, ${made?.kind ?? ''}, ${made?.name ?? ''} from unnest(${entries}::bigint[]) as entry`.execute(database);
}

/** The database keeps no NUL, and nobody needs to read megabytes of a name that was made up. */
function storable(text: string): string {
  return text.slice(0, longestName).replaceAll('\0', '\uFFFD');
}
