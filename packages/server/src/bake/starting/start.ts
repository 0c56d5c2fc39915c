import { create } from '@bufbuild/protobuf';
import {
  type StartBakeRequest,
  type StartBakeResponse,
  StartBakeResponse_Outcome as Outcome,
  StartBakeResponseSchema,
  refusal,
} from '@murmur/api';
import { sql } from 'kysely';
import type { Logger } from 'pino';

import { bakeErrors } from '../errors.js';
import type { Reader } from '../../catalog/context.js';
import { holdResources } from '../../catalog/read.js';
import type { DatabaseTransaction } from '../../database/tables.js';
import type { Substrate } from '../../substrates/substrate.js';
import { type CompletedBuild, findCompleted, nextBuildNumber } from './cache.js';
import { artifactName, catalogName, newRunId } from './names.js';
import { type BakePlan, planBake, type PlanParts } from './plan.js';
import { reachable } from './substrates.js';
import { claimRoom } from '../room/claims.js';
import { notifyRun } from '../runs/runs.js';
import { keptSite } from '../runs/sites.js';
import { scriptVariables, sealVariables } from './script-variables.js';

/** What starting needs of the server. */
export interface StartParts extends PlanParts {
  readonly log: Logger;
  /** Lets a run that has been inserted begin, when there is room for it. */
  begin(runId: string, substrate: Substrate): Promise<void>;
  /** Where what is on this server's own host is. */
  readonly hostId: string;
}

/** Who asks for a bake, and what they may do. That they may bake the recipe has been asked before. */
export interface Caller extends Reader {
  readonly subject: string;
}

/** Answers a request for a bake: cached, in progress, or started. */
export async function startBake(
  parts: StartParts,
  caller: Caller,
  request: StartBakeRequest,
  signal: AbortSignal,
): Promise<StartBakeResponse> {
  const plan = await planBake(parts, caller, request, signal);
  for (;;) {
    const { answer, build } = await parts.database.transaction().execute((trx) => decide(parts, trx, caller, plan));
    if (build !== undefined && !(await isThere(parts, caller.tenant, plan, build, signal))) continue;
    if (answer.outcome !== Outcome.STARTED) return answer;
    try {
      await parts.begin(answer.runId, plan.substrate);
    } catch (error) {
      // The bake is started all the same: as after a crash here, the sweeper finds a run without a workflow and starts that.
      parts.log.warn({ err: error, run: answer.runId }, 'the workflow of a bake did not start at once');
    }
    return answer;
  }
}

/** Looks, outside any transaction, whether a build still exists; marks one that does not, so that it answers no bake any more. */
async function isThere(
  { database, hostId }: StartParts,
  tenant: string,
  { substrate }: BakePlan,
  build: CompletedBuild,
  signal: AbortSignal,
): Promise<boolean> {
  // Each host looks after its own images.
  if (build.host !== null && build.host !== hostId) return true;
  const site = keptSite(substrate, build.site);
  if (await reachable(substrate.name, () => substrate.imageExists(site, build.reference, 'quick', signal))) return true;
  await database
    .updateTable('artifacts')
    .set({ missing_at: sql<Date>`now()` })
    .where('tenant', '=', tenant)
    .where('image_name', '=', build.imageName)
    .execute();
  return false;
}

interface Decision {
  readonly answer: StartBakeResponse;
  /** The build that the answer is about, if it exists. */
  readonly build?: CompletedBuild;
}

async function decide(parts: StartParts, trx: DatabaseTransaction, caller: Caller, plan: BakePlan): Promise<Decision> {
  const { imageHash, recipe, request, scope } = plan;
  // Callers of one identity come one by one, so that none starts what the one before has just completed.
  await sql`select pg_advisory_xact_lock(hashtextextended(${`bake ${caller.tenant} ${recipe.name} ${imageHash}`}, 0))`.execute(trx);
  // In this order: a bake that ends in between leaves a live run to be found, or the build it has made.
  const live = await findLive(trx, caller.tenant, plan);
  const build = request.forceNew ? undefined : await findCompleted(trx, caller.tenant, plan, parts.hostId);
  if (build !== undefined) {
    const { artifactName, imageName, runId } = build;
    return {
      build,
      answer: create(StartBakeResponseSchema, { outcome: Outcome.CACHED, scope, imageHash, artifactName, imageName, runId }),
    };
  }
  if (live !== undefined) return { answer: create(StartBakeResponseSchema, { outcome: Outcome.IN_PROGRESS, scope, imageHash, ...live }) };
  if (!request.planOnly) return { answer: await insertRun(parts, trx, caller, plan) };
  const names = namesOf(caller.tenant, plan, await nextBuildNumber(trx, caller.tenant, plan));
  return { answer: create(StartBakeResponseSchema, { outcome: Outcome.WOULD_START, scope, imageHash, ...names }) };
}

/** What a build of the identity is called. */
function namesOf(tenant: string, { imageHash, recipe }: BakePlan, buildNumber: number): { imageName: string; artifactName: string } {
  const identity = { tenant, recipe: recipe.name, imageHash, buildNumber };
  return { imageName: catalogName(identity), artifactName: artifactName(identity) };
}

async function findLive(trx: DatabaseTransaction, tenant: string, plan: BakePlan) {
  return trx
    .selectFrom('runs')
    .select(['id as runId', 'artifact_name as artifactName', 'image_name as imageName'])
    .where('tenant', '=', tenant)
    .where('recipe', '=', plan.recipe.name)
    .where('image_hash', '=', plan.imageHash)
    .where('ended_at', 'is', null)
    .executeTakeFirst();
}

async function insertRun(
  { hostId, room, tenantKeys }: StartParts,
  trx: DatabaseTransaction,
  caller: Caller,
  plan: BakePlan,
): Promise<StartBakeResponse> {
  const { imageHash, recipe, request, scope } = plan;
  await checkShare(trx, caller.tenant, room.perTenant.bakes);
  const variables = await scriptVariables(trx, tenantKeys, caller, plan);
  const buildNumber = await nextBuildNumber(trx, caller.tenant, plan);
  const names = namesOf(caller.tenant, plan, buildNumber);
  await checkNameFree(trx, caller.tenant, names.imageName);
  const runId = newRunId();
  const held = await holdResources(trx, caller, plan.uses);
  const references = held.map(({ kind, name, tenant }) => ({ run_id: runId, target_tenant: tenant, target_kind: kind, target_name: name }));
  await trx
    .insertInto('runs')
    .values({
      id: runId,
      tenant: caller.tenant,
      recipe: recipe.name,
      environment: request.environment,
      placement: request.placement,
      image_hash: imageHash,
      build_number: buildNumber,
      image_name: names.imageName,
      artifact_name: names.artifactName,
      substrate: plan.substrate.name,
      scope,
      phase: 'queued',
      host: plan.substrate.local ? hostId : null,
      inputs: JSON.stringify(plan.inputs),
      sealed_variables: sealVariables(plan.tenantKey, runId, variables),
      keep_on_failure_seconds: plan.keepSeconds,
      author: caller.subject,
    })
    .execute();
  if (plan.substrate.local) {
    await claimRoom(trx, { id: runId, kind: 'bake', tenant: caller.tenant, host: room.host, size: plan.inputs });
  }
  await trx.insertInto('run_references').values(references).execute();
  await notifyRun(trx, runId);
  return create(StartBakeResponseSchema, { outcome: Outcome.STARTED, scope, imageHash, runId, ...names });
}

/** Throws RESOURCE_EXHAUSTED when the tenant has as many bakes as it may. Its others wait for this transaction, so that none is counted too late. */
async function checkShare(trx: DatabaseTransaction, tenant: string, most: number): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`bakes of ${tenant}`}, 0))`.execute(trx);
  const { live } = await trx
    .selectFrom('runs')
    .select((select) => select.fn.countAll<number>().as('live'))
    .where('tenant', '=', tenant)
    .where('ended_at', 'is', null)
    .executeTakeFirstOrThrow();
  if (live < most) return;
  throw refusal(bakeErrors.tooManyBakes, [tenant, String(live)]);
}

async function checkNameFree(trx: DatabaseTransaction, tenant: string, name: string): Promise<void> {
  const taken = await trx
    .selectFrom('resources')
    .select('name')
    .where('tenant', '=', tenant)
    .where('kind', '=', 'image')
    .where('name', '=', name)
    .executeTakeFirst();
  if (taken === undefined) return;
  throw refusal(bakeErrors.imageNameTaken, [name]);
}
