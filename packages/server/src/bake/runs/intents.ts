import { sql } from 'kysely';

import type { Queryable } from '../../database/tables.js';
import type { Site, Token } from '../../substrates/substrate.js';
import { rememberSite } from './sites.js';
import { assertLease, type Lease } from './lease.js';
import { stepToken } from '../starting/names.js';

/** Writes down that a step is about to create something outside, before it does. Returns the create's token. */
export async function intend(
  queryable: Queryable,
  lease: Lease,
  { site, ...what }: { attempt: number; step: string; substrate: string; site: Site },
): Promise<Token> {
  const token = stepToken(lease.runId, what.attempt, what.step);
  await assertLease(queryable, lease);
  await rememberSite(queryable, what.substrate, site);
  await queryable
    .insertInto('intents')
    .values({ token, run_id: lease.runId, settled_at: null, site: JSON.stringify(site), ...what })
    .onConflict((conflict) => conflict.column('token').doUpdateSet({ settled_at: null, missed_at: null }))
    .execute();
  return token;
}

/** Whether something made under this token may still be there. */
export async function isOpen(queryable: Queryable, token: Token): Promise<boolean> {
  const row = await queryable
    .selectFrom('intents')
    .select('token')
    .where('token', '=', token)
    .where('settled_at', 'is', null)
    .executeTakeFirst();
  return row !== undefined;
}

/** The tokens of what attempts of a run before this one may have left. */
export async function openBefore(queryable: Queryable, runId: string, attempt: number): Promise<readonly string[]> {
  const rows = await queryable
    .selectFrom('intents')
    .select('token')
    .where('run_id', '=', runId)
    .where('attempt', '<', attempt)
    .where('settled_at', 'is', null)
    .execute();
  return rows.map(({ token }) => token);
}

/** Writes down that what the token made is gone, or registered. */
export async function settle(queryable: Queryable, token: string): Promise<void> {
  await queryable
    .updateTable('intents')
    .set({ settled_at: sql<Date>`now()` })
    .where('token', '=', token)
    .where('settled_at', 'is', null)
    .execute();
}
