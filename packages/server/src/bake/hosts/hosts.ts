import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { type Host, HostSchema, Host_State, refusal, type MurmurError } from '@murmur/api';
import { type Selectable, sql } from 'kysely';

import type { Database, DatabaseTransaction, Queryable, Tables } from '../../database/tables.js';
import { beginAnew } from './begin-anew.js';
import { hostErrors } from './errors.js';
import { awayAfterSeconds } from './live-hosts.js';

type HostRow = Pick<Selectable<Tables['hosts']>, 'id' | 'name' | 'started_at' | 'seen_at' | 'retired_at'> & {
  readonly away_seconds: number;
  readonly images: number;
  readonly bakes: number;
};

/** Every host that has ever used this database, with what it has; the one that started last comes first. */
export async function listHosts(queryable: Queryable): Promise<readonly Host[]> {
  return (await readHosts(queryable)).map(hostOf);
}

/** What retiring a host came to. */
export interface Retired {
  readonly host: Host;
  /** How many images are missing now. */
  readonly images: number;
  /** How many bakes begin anew, on another host. */
  readonly bakes: number;
}

/**
 * Says that a host is gone for good: the catalog's images on it are missing, so that their next bakes build them again, and the
 * bakes that wait for it begin anew elsewhere. Should it come back, it has its images again. Repeating it changes nothing.
 *
 * Throws NOT_FOUND, INVALID_ARGUMENT for a name that several hosts have, and FAILED_PRECONDITION for a host that lives.
 */
export async function retireHost(database: Database, nameOrId: string): Promise<Retired> {
  return database.transaction().execute(async (trx) => {
    const host = chooseHost(await readHosts(trx), nameOrId);
    // Not while it may just be starting.
    await trx.selectFrom('hosts').select('id').where('id', '=', host.id).forUpdate().executeTakeFirstOrThrow();
    const [current = host] = (await readHosts(trx)).filter(({ id }) => id === host.id);
    if (current.retired_at === null && current.away_seconds < awayAfterSeconds) throw stillLives(current);
    const given = await giveUp(trx, host.id);
    const [after = current] = (await readHosts(trx)).filter(({ id }) => id === host.id);
    return { host: hostOf(after), ...given };
  });
}

/** Retires every other host, where no other can be left: its database is this one's own. Returns those that were not retired yet. */
export async function retireOthers(database: Database, hostId: string): Promise<readonly Retired[]> {
  return database.transaction().execute(async (trx) => {
    const retired: Retired[] = [];
    for (const row of await readHosts(trx)) {
      if (row.id === hostId || row.retired_at !== null) continue;
      retired.push({ host: hostOf(row), ...(await giveUp(trx, row.id)) });
    }
    return retired;
  });
}

async function giveUp(trx: DatabaseTransaction, hostId: string): Promise<{ images: number; bakes: number }> {
  // One time in both, by which a host that comes back knows which of its images were given up with it.
  await trx
    .updateTable('hosts')
    .set({ retired_at: sql<Date>`coalesce(retired_at, now())` })
    .where('id', '=', hostId)
    .execute();
  const images = await trx
    .updateTable('artifacts')
    .set({ missing_at: sql<Date>`(select retired_at from hosts where hosts.id = ${hostId})` })
    .where('host', '=', hostId)
    .where('missing_at', 'is', null)
    .returning('image_name')
    .execute();
  const runs = await trx
    .updateTable('runs')
    .set({ host: null })
    .where('host', '=', hostId)
    .where('ended_at', 'is', null)
    .returning('id')
    .execute();
  // What its ended bakes may have left there nobody will look for any more, unless it is back.
  await trx
    .updateTable('intents')
    .set({ settled_at: sql<Date>`now()` })
    .where('settled_at', 'is', null)
    .where('run_id', 'in', (select) => select.selectFrom('runs').select('id').where('host', '=', hostId).where('ended_at', 'is not', null))
    .execute();
  for (const { id } of runs) await beginAnew(trx, id, 'the host of this bake is gone');
  return { images: images.length, bakes: runs.length };
}

async function readHosts(queryable: Queryable): Promise<readonly HostRow[]> {
  return queryable
    .selectFrom('hosts')
    .select((select) => [
      'id',
      'name',
      'started_at',
      'seen_at',
      'retired_at',
      sql<number>`extract(epoch from clock_timestamp() - seen_at)::float8`.as('away_seconds'),
      select
        .selectFrom('artifacts')
        .select((inner) => inner.cast<number>(inner.fn.countAll(), 'integer').as('n'))
        .whereRef('artifacts.host', '=', 'hosts.id')
        .where('missing_at', 'is', null)
        .as('images'),
      select
        .selectFrom('runs')
        .select((inner) => inner.cast<number>(inner.fn.countAll(), 'integer').as('n'))
        .whereRef('runs.host', '=', 'hosts.id')
        .where('ended_at', 'is', null)
        .as('bakes'),
    ])
    .orderBy('started_at', 'desc')
    .orderBy('id')
    .execute()
    .then((rows) => rows.map((row) => ({ ...row, images: row.images ?? 0, bakes: row.bakes ?? 0 })));
}

/** By id, by a name that only one has, or by a name that only one has that is not retired. */
function chooseHost(hosts: readonly HostRow[], nameOrId: string): HostRow {
  const byId = hosts.find(({ id }) => id === nameOrId);
  if (byId !== undefined) return byId;
  const named = hosts.filter(({ name }) => name !== '' && name === nameOrId);
  const standing = named.filter(({ retired_at }) => retired_at === null);
  const [only, second] = standing.length > 0 ? standing : named;
  if (only === undefined) throw refusal(hostErrors.absent, [nameOrId]);
  if (second === undefined) return only;
  throw refusal(hostErrors.ambiguous, [nameOrId]);
}

function stillLives({ away_seconds, id, name }: HostRow): MurmurError {
  return refusal(hostErrors.lives, [name === '' ? id : name, String(Math.max(0, Math.round(away_seconds)))]);
}

function hostOf(row: HostRow): Host {
  return create(HostSchema, {
    id: row.id,
    name: row.name,
    state: row.retired_at !== null ? Host_State.RETIRED : row.away_seconds < awayAfterSeconds ? Host_State.LIVE : Host_State.AWAY,
    startTime: timestampFromDate(row.started_at),
    seenTime: timestampFromDate(row.seen_at),
    ...(row.retired_at === null ? {} : { retireTime: timestampFromDate(row.retired_at) }),
    images: row.images,
    bakes: row.bakes,
  });
}
