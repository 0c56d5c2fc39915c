import type { Database } from '../../database/tables.js';
import type { Substrate, SubstrateName } from '../../substrates/substrate.js';
import { claimRoom } from '../room/claims.js';
import { inputsOf } from '../runs/runs.js';

/** What taking runs in needs of the server. */
export interface TakeInParts {
  readonly database: Database;
  readonly hostId: string;
  readonly substrates: ReadonlyMap<SubstrateName, Pick<Substrate, 'local'>>;
}

/**
 * Makes runs that can only be on some host and are on none, because theirs was retired, this host's; they wait here for room like
 * any other. Of several hosts each run is taken in by one. Returns whether there were any.
 */
export async function takeInHomeless({ database, hostId, substrates }: TakeInParts): Promise<boolean> {
  const local = [...substrates].filter(([, substrate]) => substrate.local).map(([name]) => name);
  if (local.length === 0) return false;
  const homeless = await database
    .selectFrom('runs')
    .select('id')
    .where('ended_at', 'is', null)
    .where('host', 'is', null)
    .where('executor', 'is', null)
    .where('substrate', 'in', local)
    .execute();
  for (const { id } of homeless) {
    await database.transaction().execute(async (trx) => {
      const run = await trx
        .updateTable('runs')
        .set({ host: hostId })
        .where('id', '=', id)
        .where('host', 'is', null)
        .where('ended_at', 'is', null)
        .returningAll()
        .executeTakeFirst();
      if (run === undefined) return;
      const { memoryMb, vcpus } = inputsOf(run);
      await trx.deleteFrom('room_claims').where('id', '=', id).execute();
      await claimRoom(trx, { id, kind: 'bake', tenant: run.tenant, host: hostId, size: { memoryMb, vcpus } });
    });
  }
  return homeless.length > 0;
}
