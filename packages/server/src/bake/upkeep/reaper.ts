import type { Logger } from 'pino';

import type { Database } from '../../database/tables.js';
import type { OwnedThing, Substrate, SubstrateName } from '../../substrates/substrate.js';
import { discardThing } from '../images/discard.js';
import { settle } from '../runs/intents.js';
import type { RunRow } from '../runs/runs.js';
import { liveExecutors } from './executors.js';

/** A thing whose run nobody knows may belong to a database that is only just being restored: it gets this long. */
const unknownGraceMs = 15 * 60_000;

/** What the reaper needs of the server. */
export interface ReapParts {
  readonly database: Database;
  readonly substrates: ReadonlyMap<SubstrateName, Substrate>;
  readonly installation: string;
  readonly log: Logger;
}

/** Removes everything of ours outside that no live run, kept machine or trial owns. A fault of one substrate leaves the others. */
export async function reap(parts: ReapParts): Promise<void> {
  for (const substrate of parts.substrates.values()) {
    try {
      await reapSubstrate(parts, substrate);
    } catch (error) {
      parts.log.warn({ err: error, substrate: substrate.name }, 'the reaper could not finish; it comes again');
    }
  }
}

async function reapSubstrate(parts: ReapParts, substrate: Substrate): Promise<void> {
  const { database, installation, log } = parts;
  // Intents first: what is made after this look has one that this look does not see, and is not touched.
  const open = await openIntentsOfTheEnded(database, substrate);
  const things = await substrate.listOwned(installation);
  for (const thing of things) {
    const standing = await standingOf(database, thing);
    if (standing === 'registered') await substrate.keepImage(thing.handle);
    if (standing !== 'leftover') continue;
    log.info({ substrate: substrate.name, type: thing.type, token: thing.token }, 'removing what a bake left behind');
    await discardThing(database, substrate, thing);
  }
  const left = new Set<string>((await substrate.listOwned(installation)).map((thing) => thing.token));
  for (const token of open) if (!left.has(token)) await settle(database, token);
  await forgetKept(database);
  await forgetTrials(database, substrate, left);
}

/** `registered`: an image that is in the catalog, whose substrate has not heard of that yet. */
type Standing = 'owned' | 'registered' | 'leftover';

async function standingOf(database: Database, thing: OwnedThing): Promise<Standing> {
  const { attempt, runId } = partsOf(thing);
  // Half-made base images and the like are the substrate's own affair.
  if (runId === undefined) return 'owned';
  const run = await database.selectFrom('runs').selectAll().where('id', '=', runId).executeTakeFirst();
  if (run !== undefined) return standingInRun(database, run, thing, attempt);
  const trial = await database.selectFrom('trials').select('executor').where('id', '=', runId).executeTakeFirst();
  if (trial !== undefined) return (await liveExecutors(database)).has(trial.executor) ? 'owned' : 'leftover';
  return Date.now() - thing.createdAt < (runId.startsWith('try-') ? 0 : unknownGraceMs) ? 'owned' : 'leftover';
}

async function standingInRun(database: Database, run: RunRow, thing: OwnedThing, attempt: number): Promise<Standing> {
  if (run.ended_at === null) return attempt >= run.attempt ? 'owned' : 'leftover';
  if (thing.type === 'image') {
    const registered = await database.selectFrom('artifacts').select('image_name').where('run_id', '=', run.id).executeTakeFirst();
    return registered !== undefined && run.phase === 'completed' && attempt === run.attempt ? 'registered' : 'leftover';
  }
  const kept = run.kept_until !== null && run.kept_until.getTime() > Date.now() && attempt === run.attempt;
  return kept ? 'owned' : 'leftover';
}

function partsOf({ owner, token }: OwnedThing): { runId: string | undefined; attempt: number } {
  const [, runId, attempt] = /^((?:try-)?[a-z][a-z0-9]{9})-(\d+)-[a-z-]+$/.exec(token) ?? [];
  return { runId: runId ?? (owner.runId === '' ? undefined : owner.runId), attempt: Number(attempt ?? 1) };
}

async function openIntentsOfTheEnded(database: Database, substrate: Substrate): Promise<readonly string[]> {
  const rows = await database
    .selectFrom('intents')
    .innerJoin('runs', 'runs.id', 'intents.run_id')
    .select('intents.token')
    .where('intents.substrate', '=', substrate.name)
    .where('intents.settled_at', 'is', null)
    .where('runs.ended_at', 'is not', null)
    .execute();
  return rows.map((row) => row.token);
}

/** A machine that a dead executor still made after this has a trial nobody knows, and goes at once. */
async function forgetTrials(database: Database, substrate: Substrate, left: ReadonlySet<string>): Promise<void> {
  const trials = await database.selectFrom('trials').select(['id', 'executor', 'token']).where('substrate', '=', substrate.name).execute();
  if (trials.length === 0) return;
  const live = await liveExecutors(database);
  for (const { executor, id, token } of trials) {
    if (!live.has(executor) && !left.has(token)) await database.deleteFrom('trials').where('id', '=', id).execute();
  }
}

async function forgetKept(database: Database): Promise<void> {
  await database.updateTable('runs').set({ kept_until: null, kept_shell: null }).where('kept_until', '<', new Date()).execute();
}
