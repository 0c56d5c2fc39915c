import { randomUUID } from 'node:crypto';

import { create } from '@bufbuild/protobuf';
import {
  type CancelBakeRequest,
  type CancelBakeResponse,
  type CheckPlacementRequest,
  type CheckPlacementResponse,
  type ExportImageRequest,
  type ExportImageResponse,
  type FindBasesRequest,
  type FindBasesResponse,
  type GetBakeRequest,
  type GetBakeResponse,
  GetBakeResponseSchema,
  Host_State,
  type ListBakesRequest,
  type ListBakesResponse,
  type ListHostsResponse,
  ListHostsResponseSchema,
  type RetireHostRequest,
  type RetireHostResponse,
  RetireHostResponseSchema,
  type StartBakeRequest,
  type StartBakeResponse,
  type StreamBakeLogRequest,
  type StreamBakeLogResponse,
  type TryImageRequest,
  type TryImageResponse,
  type GetBakeStatisticsRequest,
  type GetBakeStatisticsResponse,
  type HostStanding,
  type WatchBakesRequest,
  type WatchBakesResponse,
} from '@murmur/api';
import type { Logger } from 'pino';

import type { Identity } from '../access/identity.js';
import type { Permits } from '../catalog/context.js';
import { isDatabaseOutage } from '../database/outage.js';
import { retryOutages } from '../database/retry.js';
import type { Connection } from '../database/pool.js';
import type { Database } from '../database/tables.js';
import type { TenantKeys } from '../secrets/tenant-keys.js';
import type { Substrate, SubstrateName } from '../substrates/substrate.js';
import { createActiveRuns } from './runs/active-runs.js';
import { bake, workflowVersion } from './workflow/bake.js';
import { cancelBake } from './runs/cancel.js';
import { type Changes, listenForChanges } from './runs/changes.js';
import { createExporter } from './images/export.js';
import { claimRun } from './runs/lease.js';
import { streamLog } from './runs/log-stream.js';
import { readRun } from './runs/runs.js';
import type { PlanParts } from './starting/plan.js';
import { checkPlacement } from './starting/check-placement.js';
import { startBake } from './starting/start.js';
import { tryImage } from './images/try.js';
import { findBases } from './bases/find.js';
import { retireOldBases } from './bases/retire.js';
import { checkOldest } from './upkeep/existence.js';
import { type Starter, beat, enrol, held, signOff } from './hosts/enrol.js';
import { listHosts, retireHost, retireOthers } from './hosts/hosts.js';
import { tellWaits, type WaitNotes } from './upkeep/tell-waits.js';
import { createReaper } from './upkeep/reaper.js';
import { removeOld, type Retention } from './upkeep/retention.js';
import { createRecovery } from './upkeep/recover.js';
import { createAdmission } from './room/admission.js';
import type { HostRoom } from './room/limits.js';
import { roomOfHosts } from './room/standing.js';
import { type ReconcileLoops, startReconcileLoops } from './upkeep/reconcile-loop.js';
import { type Beginning, beginningOf } from './workflow/beginning.js';
import { findRun } from './runs/identify-run.js';
import { bakeStatistics } from './runs/statistics.js';
import { bakeOf, listRuns } from './runs/views.js';
import { watchRuns } from './runs/watch.js';
import { createWorker } from './workflow/worker.js';
import { createWorkflowEngine } from './workflow/workflow-engine.js';

/** What a bakery is made of. */
export interface BakeryParts extends Pick<PlanParts, 'checkImage'> {
  readonly database: Database;
  readonly connection: Connection;
  readonly tenantKeys: TenantKeys;
  readonly substrates: ReadonlyMap<SubstrateName, Substrate>;
  /** This installation's id, on everything made outside. */
  readonly installation: string;
  readonly log: Logger;
  /** Names the data folder, so that a restarted server goes on with its own bakes. */
  readonly hostId: string;
  /** How the release before called this host. */
  readonly formerHostId?: string;
  /** Called when another process has become this host; this one's work has been let go by then, and it must end. */
  readonly onSuperseded?: (error: Error) => void;
  /** Whether other servers can reach the database. Where none can, what other hosts had is lost. */
  readonly sharesDatabase: boolean;
  /** What this host gives to machines. */
  readonly room: HostRoom;
  readonly retention: Retention;
}

/** Who calls: runs belong to the tenant and name the subject as their author. */
export type BakeCaller = Pick<Identity, 'tenant' | 'subject'>;

/** One whose rights decide what its request can be about. */
export type PermittedCaller = BakeCaller & { readonly permits: Permits };

/** Bakes images, keeps account of the bakes, and removes what they leave. One per process. */
export interface Bakery {
  /** Resumes what ran before, and begins the upkeep. */
  launch(): Promise<void>;
  /** Stops work where it stands; it goes on in the next start. */
  shutdown(): Promise<void>;
  start(caller: PermittedCaller, request: StartBakeRequest, signal: AbortSignal): Promise<StartBakeResponse>;
  /** The runs of the recipes whose names match these patterns, in which `*` stands for any characters. */
  list(caller: BakeCaller, request: ListBakesRequest, recipes: readonly string[]): Promise<ListBakesResponse>;
  get(caller: BakeCaller, request: GetBakeRequest): Promise<GetBakeResponse>;
  cancel(caller: BakeCaller, request: CancelBakeRequest): Promise<CancelBakeResponse>;
  streamLog(caller: BakeCaller, request: StreamBakeLogRequest, signal: AbortSignal): AsyncIterable<StreamBakeLogResponse>;
  tryImage(caller: PermittedCaller, request: TryImageRequest, signal: AbortSignal): AsyncIterable<TryImageResponse>;
  exportImage(caller: PermittedCaller, request: ExportImageRequest, signal: AbortSignal): AsyncIterable<ExportImageResponse>;
  /** The live runs of the recipes whose names match these patterns, and every change of them. */
  watch(caller: BakeCaller, request: WatchBakesRequest, recipes: readonly string[], signal: AbortSignal): AsyncIterable<WatchBakesResponse>;
  /** What became of the runs of the recipes whose names match these patterns. */
  statistics(caller: BakeCaller, request: GetBakeStatisticsRequest, recipes: readonly string[]): Promise<GetBakeStatisticsResponse>;
  /** What the hosts give to machines, and what is taken. */
  room(): Promise<readonly HostStanding[]>;
  findBases(caller: PermittedCaller, request: FindBasesRequest, signal: AbortSignal): Promise<FindBasesResponse>;
  checkPlacement(caller: PermittedCaller, request: CheckPlacementRequest, signal: AbortSignal): Promise<CheckPlacementResponse>;
  listHosts(): Promise<ListHostsResponse>;
  retireHost(request: RetireHostRequest): Promise<RetireHostResponse>;
}

/** A bakery over these parts. Nothing runs before {@link Bakery.launch}. */
export function createBakery(parts: BakeryParts): Bakery {
  const { connection, database, hostId } = parts;
  const starter: Starter = { hostId, instance: randomUUID(), formerId: parts.formerHostId };
  const log = parts.log.child({ room: 'bake' });
  const active = createActiveRuns();
  const notes: WaitNotes = new Map();
  const engine = createWorkflowEngine({ connection, hostId, instance: starter.instance, version: workflowVersion, log, workflow: runBake });
  const admission = createAdmission({ database, room: parts.room, log, begin: startWorkflow });
  const exportImage = createExporter({ ...parts, log });
  const reaper = createReaper({ ...parts, log });
  const stopping = new AbortController();
  let changes: Changes | undefined;
  let loops: ReconcileLoops | undefined;

  async function runBake(beginning: Beginning): Promise<void> {
    const { begun, runId } = beginning;
    const hasEnded = async () => (await retryOutages({ log }, () => readRun(database, runId))).ended_at !== null;
    const claimed = await retryOutages({ log }, () => claimRun(database, beginning, hostId));
    if (claimed === undefined) {
      if (await hasEnded()) return;
      throw engine.letGo(runId);
    }
    const { lease, run } = claimed;
    const signal = active.add(lease);
    try {
      const worker = createWorker({ ...parts, log, notes, begun, letGo: engine.letGo }, lease, signal);
      await bake(worker, engine, () => run.keep_on_failure_seconds > 0, beginning);
    } catch (error) {
      // It has ended here where the answer to the last commit was lost, or elsewhere.
      if (await hasEnded()) return;
      // The worker retries through outages, so this is the engine's own record that failed. What was not written down is done again.
      if (!isDatabaseOutage(error)) throw error;
      log.warn({ err: error, run: runId }, 'the workflow of a bake lost the database; it is resumed');
      throw engine.letGo(runId);
    } finally {
      active.remove(lease);
      loops?.hurry('admission');
    }
  }

  /** What needs a machine on this host waits for room there. */
  async function begin(runId: string, { local }: Pick<Substrate, 'local'>): Promise<void> {
    if (local) await admission.look();
    else await startWorkflow(runId);
  }

  async function startWorkflow(runId: string): Promise<void> {
    await engine.start(beginningOf(await readRun(database, runId)));
  }

  /** Says at the start what is on other hosts, and gives it up where none can come back. */
  async function tellOfLost(): Promise<void> {
    if (!parts.sharesDatabase) {
      for (const { bakes, host, images } of await retireOthers(database, hostId)) {
        const lost = { host: host.name, id: host.id, images, bakes };
        log.warn(lost, 'what another host had is lost: its images are missing and will be built again, its bakes begin anew');
      }
      return;
    }
    for (const { bakes, id, images, name, state } of await listHosts(database)) {
      if (state !== Host_State.AWAY || (images === 0 && bakes === 0)) continue;
      log.warn({ host: name, id, images, bakes }, `a host is away; if it is gone for good, say so with "murmur host retire ${id}"`);
    }
  }

  async function heartbeat(): Promise<void> {
    if (await beat(database, starter)) return;
    const error = held({ id: hostId, name: '' });
    log.error({ err: error }, 'another process is this host now; this one lets go of everything and ends');
    active.lose();
    parts.onSuperseded?.(error);
  }

  async function guard(): Promise<void> {
    for (const substrate of parts.substrates.values()) await substrate.guard?.();
  }

  const listening = (): Changes => {
    if (changes === undefined) throw new Error('the bakery is not running');
    return changes;
  };

  return {
    async launch() {
      await enrol(database, starter, log);
      await tellOfLost();
      await admission.open();
      changes = listenForChanges(connection, log);
      await engine.launch();
      const recover = createRecovery({ ...parts, engine, active, admission, log });
      loops = startReconcileLoops(
        [
          { name: 'heartbeat', everyMs: 3000, work: heartbeat },
          { name: 'interrupts', everyMs: 1000, work: () => active.check(database) },
          { name: 'admission', everyMs: 2000, work: admission.look },
          { name: 'recovery', everyMs: 5000, work: recover },
          { name: 'waits', everyMs: 10_000, work: () => tellWaits({ ...parts, log, notes }) },
          { name: 'guard', everyMs: 5000, work: guard },
          { name: 'reaper', everyMs: 30_000, work: () => reaper.round() },
          { name: 'existence', everyMs: 60_000, work: () => checkOldest({ ...parts, log }, stopping.signal) },
          { name: 'retention', everyMs: 3_600_000, work: async () => void (await removeOld({ ...parts, engine, log }, stopping.signal)) },
          { name: 'bases', everyMs: 600_000, work: () => retireOldBases({ ...parts, log }) },
        ],
        log,
      );
      changes.listen(() => loops?.hurry('interrupts'));
    },
    async shutdown() {
      active.stop();
      stopping.abort();
      await reaper.stop();
      await loops?.stop();
      await engine.shutdown();
      await changes?.close();
      changes = undefined;
      await signOff(database, starter);
    },
    start: (caller, request, signal) => startBake({ ...parts, begin }, caller, request, signal),
    list: ({ tenant }, request, recipes) => listRuns(database, tenant, request, recipes),
    get: async ({ tenant }, { runId }) => {
      const run = await findRun(database, tenant, runId);
      return create(GetBakeResponseSchema, { bake: await bakeOf(database, run) });
    },
    cancel: ({ tenant }, { runId }) => cancelBake(database, tenant, runId),
    streamLog: ({ tenant }, request, signal) => streamLog({ database, changes: listening() }, tenant, request, signal),
    watch: ({ tenant }, request, recipes, signal) => watchRuns({ database, changes: listening() }, { tenant, recipes }, request, signal),
    statistics: ({ tenant }, request, recipes) => bakeStatistics(database, { tenant, recipes }, request),
    room: () => roomOfHosts(database),
    tryImage: (caller, request, signal) => tryImage({ ...parts, admission, log }, caller, request, signal),
    exportImage: (caller, request, signal) => exportImage(caller, request, signal),
    findBases: (caller, request, signal) => findBases(parts, caller, request, signal),
    checkPlacement: (caller, request, signal) => checkPlacement(parts, caller, request, signal),
    listHosts: async () => create(ListHostsResponseSchema, { hosts: [...(await listHosts(database))] }),
    retireHost: async ({ host }) => {
      const retired = await retireHost(database, host);
      log.warn({ host: retired.host.name, id: retired.host.id, images: retired.images, bakes: retired.bakes }, 'a host was retired');
      return create(RetireHostResponseSchema, retired);
    },
  };
}
