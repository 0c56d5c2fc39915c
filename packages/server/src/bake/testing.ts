import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { create } from '@bufbuild/protobuf';
import {
  Architecture,
  type Bake,
  type CancelBakeRequest,
  CancelBakeRequestSchema,
  ImageSchema,
  PlacementSchema,
  type StartBakeRequest,
  StartBakeRequestSchema,
  type StartBakeResponse,
  type StreamBakeLogRequest,
  StreamBakeLogRequestSchema,
} from '@murmur/api';
import { sql } from 'kysely';
import { pino } from 'pino';

import { everything } from '../catalog/context.js';
import { writeBuiltins, writePlatformImage } from '../catalog/builtins.js';
import { setResource } from '../catalog/verbs/set.js';
import type { Database } from '../database/tables.js';
import { testDatabase, type TestDatabase } from '../database/testing.js';
import { openKeyFile } from '../secrets/key-provider.js';
import { createTenantKeys } from '../secrets/tenant-keys.js';
import { createQemuSubstrate } from '../substrates/qemu/index.js';
import { buildTinyBase } from '../substrates/qemu/tiny.js';
import type { Substrate, SubstrateName } from '../substrates/substrate.js';
import { type Bakery, createBakery } from './index.js';
import type { HostRoom } from './room/limits.js';
import { testRoom } from './room/testing.js';
import { withoutWaits } from './runs/testing-runs.js';
import { startBake } from './starting/start.js';
import { testContext } from '../catalog/testing.js';

const { signal } = new AbortController();
const tester = { tenant: 'local/default', subject: 'tester', keyId: 'k', operator: false, permits: everything };

/** How a recipe of a test differs from one that does nothing. */
export interface RecipeChoices {
  readonly script: string;
  readonly timeout?: string;
  readonly secrets?: readonly string[];
}

/** How a bake is asked for. */
export interface BakeChoices {
  readonly forceNew?: boolean;
  readonly variables?: Record<string, string>;
  readonly keepOnFailure?: string;
}

/** A bakery on a database, a data directory and real machines of its own. */
export interface TestBakery extends AsyncDisposable {
  readonly db: TestDatabase;
  readonly bakery: Bakery;
  /** Stops the bakery where it stands and starts one of this host. */
  restart(hostId: string, between?: () => Promise<unknown>): Promise<void>;
  /** Inserts a run as a server does that dies before it starts the run's workflow. */
  insertWithoutWorkflow(recipe: string): Promise<StartBakeResponse>;
  logRequest(runId: string): StreamBakeLogRequest;
  readonly caller: typeof tester;
  cancelRequest(runId: string): CancelBakeRequest;
  readonly substrate: Substrate;
  readonly dataDir: string;
  readonly installation: string;
  setRecipe(name: string, choices: RecipeChoices): Promise<void>;
  bake(recipe: string, choices?: BakeChoices): Promise<StartBakeResponse>;
  /** Follows a bake to its end; its log, apart from what it says of long waits, and the last message's bake. `onText` sees the log as it comes. */
  follow(runId: string, onText?: (text: string) => void): Promise<{ log: string; bake: Bake }>;
  /** Waits for a bake to reach a phase. */
  reaches(runId: string, phase: string): Promise<void>;
  /** What is left outside, apart from registered images. */
  leftovers(): Promise<readonly string[]>;
}

/**
 * Starts a bakery whose one base image is a tiny guest that boots in about two seconds. Its machines are its host's own, unless
 * any host is to reach them, as it does a cloud's.
 */
export async function startTestBakery(
  room: HostRoom = testRoom(),
  { reach = 'own host' }: { reach?: 'own host' | 'any host' } = {},
): Promise<TestBakery> {
  const dataDir = await mkdtemp(join(tmpdir(), 'murmur-bake-'));
  const db = await testDatabase();
  const installation = `test-${randomBytes(4).toString('hex')}`;
  const log = pino({ level: process.env['MURMUR_LOG_LEVEL'] ?? 'silent' });
  await db.database.insertInto('tenants').values({ id: tester.tenant }).execute();
  await writeBuiltins(db.database, { localSubstrates: ['QEMU'], localArchitecture: 'AMD64' });
  const qemu = await createQemuSubstrate({ dataDir, runtimeDir: dataDir, installation, log });
  const substrate: Substrate = { ...qemu, local: reach === 'own host' };
  const diskDigest = await buildTinyBase({ dataDir, runtimeDir: dataDir });
  await writePlatformImage(
    db.database,
    create(ImageSchema, { name: 'murmur-qemu-base', architecture: Architecture.AMD64, source: { case: 'qemu', value: { diskDigest } } }),
  );
  const site = substrate.siteOf(create(PlacementSchema), tester.tenant);
  const keyProvider = await openKeyFile(join(dataDir, 'master.key'));
  const parts = {
    database: db.database,
    connection: db,
    tenantKeys: createTenantKeys(db.database, keyProvider),
    substrates: new Map<SubstrateName, Substrate>([['QEMU', substrate]]),
    installation,
    room,
    retention: { runsSeconds: undefined, logsSeconds: undefined, auditSeconds: undefined },
    log,
  };
  const open = async (hostId: string): Promise<Bakery> => {
    const opened = createBakery({ ...parts, hostId, room: { ...room, host: hostId }, sharesDatabase: true });
    await opened.launch();
    return opened;
  };
  let bakery = await open('first');

  const follow: TestBakery['follow'] = async (runId, onText) => {
    let text = '';
    let last: Bake | undefined;
    const request = create(StreamBakeLogRequestSchema, { runId, follow: true });
    for await (const message of bakery.streamLog(tester, request, new AbortController().signal)) {
      text += message.text;
      onText?.(message.text);
      last = message.bake ?? last;
    }
    if (last === undefined) throw new Error('the log stream never carried the bake');
    return { log: withoutWaits(text), bake: last };
  };

  return {
    db,
    get bakery() {
      return bakery;
    },
    insertWithoutWorkflow: (recipe) =>
      startBake({ ...parts, hostId: 'first', begin: () => Promise.resolve() }, tester, bakeRequest(recipe), signal),
    logRequest: (runId) => create(StreamBakeLogRequestSchema, { runId, follow: true }),
    async restart(hostId, between) {
      await bakery.shutdown();
      await between?.();
      bakery = await open(hostId);
    },
    caller: tester,
    cancelRequest: (runId) => create(CancelBakeRequestSchema, { runId }),
    substrate,
    dataDir,
    installation,
    follow,
    async setRecipe(name, { script, timeout = '1m', secrets = [] }) {
      const document = JSON.stringify({
        name,
        base_image_qemu_ref: 'murmur-qemu-base',
        provisioning_script: script,
        provisioning_timeout: timeout,
        secret_allowlist: secrets,
      });
      await setResource(testContext(db.database, tester), { kind: 'recipe', name, document, fields: [] });
    },
    bake: (recipe, choices) => bakery.start(tester, bakeRequest(recipe, choices), signal),
    async reaches(runId, phase) {
      const request = create(StreamBakeLogRequestSchema, { runId, follow: true });
      for await (const { bake } of bakery.streamLog(tester, request, new AbortController().signal)) if (bake?.phase === phase) return;
      throw new Error(`the bake ended without being ${phase}`);
    },
    async leftovers() {
      const registered = await db.database.selectFrom('artifacts').select('run_id').execute();
      const kept = new Set(registered.map((artifact) => artifact.run_id));
      // A bake ends a moment before its substrate hears that the image is registered.
      const { things } = await substrate.listOwned(site, installation, signal);
      const left = things.filter(({ owner, type }) => type !== 'image' || !kept.has(owner.runId));
      return left.map((thing) => `${thing.type} ${thing.token}`);
    },
    async [Symbol.asyncDispose]() {
      await bakery.shutdown();
      for (const { token } of (await substrate.listOwned(site, installation, signal)).things) await substrate.destroy(site, token, signal);
      await db.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

function bakeRequest(recipe: string, choices: BakeChoices = {}): StartBakeRequest {
  return create(StartBakeRequestSchema, { recipe, environment: 'murmur-qemu-small', placement: 'murmur-qemu-local', ...choices });
}

/** Lets a host be one that was last seen a while ago. */
export async function goesAway(database: Database, hostId: string, secondsAgo = 60): Promise<void> {
  await database
    .updateTable('hosts')
    .set({ seen_at: sql<Date>`now() - make_interval(secs => ${secondsAgo})` })
    .where('id', '=', hostId)
    .execute();
}
