import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';

import { MurmurError } from '@murmur/api';
import { pino, destination, type Logger } from 'pino';

import { ensureFirstTenant } from './access/first-tenant.js';
import { createBakery } from './bake/index.js';
import { writeBuiltins } from './catalog/builtins.js';
import { lockDataDir } from './database/data-dir-lock.js';
import { startEmbeddedPostgres } from './database/embedded.js';
import { installationId } from './database/installation.js';
import { migrate } from './database/migrate.js';
import { connect, type Connection } from './database/pool.js';
import { openRuntimeDir } from './database/runtime-dir.js';
import type { BaseBuilder } from './http/base-service.js';
import { parseListenAddress } from './http/listen.js';
import { serveApi } from './http/server.js';
import { openKeyFile } from './secrets/key-provider.js';
import { createTenantKeys } from './secrets/tenant-keys.js';
import { createQemuSubstrate } from './substrates/qemu/index.js';
import type { Substrate, SubstrateName } from './substrates/substrate.js';
import { serverVersion } from './version.js';

/** How `murmur server` is started. */
export interface ServerOptions {
  /** `HOST:PORT`; port 0 takes a free one. */
  readonly listen: string;
  /** Where images, keys and the embedded database live. */
  readonly dataDir: string;
  /** Default: an embedded PostgreSQL in the data directory. */
  readonly databaseUrl?: string | undefined;
  /** Stops the server gracefully. */
  readonly signal: AbortSignal;
  /** Gets the one ready line. */
  readonly stdout: { write(text: string): unknown };
}

/**
 * Runs a server until its signal is aborted. Bakes that are running then go on in the next start. Rejects with a
 * MurmurError when it cannot start.
 */
export async function runServer(options: ServerOptions): Promise<void> {
  const log = createLog();
  const closers: (() => Promise<unknown>)[] = [];
  try {
    const url = await start(options, log, closers);
    if (!options.signal.aborted) options.stdout.write(`murmur server listening on ${url}\n`);
    await aborted(options.signal);
    log.info('stopping');
  } finally {
    for (const close of closers.reverse()) {
      await close().catch((cause: unknown) => log.error({ err: cause }, 'a part did not stop cleanly'));
    }
  }
}

async function start(options: ServerOptions, log: Logger, closers: (() => Promise<unknown>)[]): Promise<string> {
  // Before anything is made: a word that is no address must not leave a data directory behind.
  parseListenAddress(options.listen);
  const dataDir = resolve(options.dataDir);
  const lock = await lockDataDir(dataDir);
  closers.push(() => lock.release());

  const databaseUrl = options.databaseUrl ?? (await embedded(dataDir, log, closers));
  const { database, pool } = await openDatabase(databaseUrl, log, closers);
  await ensureFirstTenant({ database, dataDir });
  const installation = await installationId(database);
  const tenantKeys = createTenantKeys(database, await openKeyFile(join(dataDir, 'master.key')));

  const { substrates, baseBuilders } = await startSubstrates({ dataDir, installation, log }, closers);
  const localSubstrates = (['QEMU', 'DOCKER'] as const).filter((name) => substrates.has(name));
  await writeBuiltins(database, { localSubstrates, localArchitecture: process.arch === 'arm64' ? 'ARM64' : 'AMD64' });

  const executorId = createHash('sha256').update(`${hostname()}\n${dataDir}`).digest('hex').slice(0, 12);
  const bakery = createBakery({ database, pool, databaseUrl, tenantKeys, substrates, installation, log, executorId });
  closers.push(() => bakery.shutdown());
  await bakery.launch();

  const version = serverVersion();
  const listener = await serveApi(options.listen, {
    database,
    tenantKeys,
    bakery,
    baseBuilders,
    substrates: [...substrates.keys()],
    version,
    log,
  });
  closers.push(() => listener.close());
  return listener.url;
}

async function embedded(dataDir: string, log: Logger, closers: (() => Promise<unknown>)[]): Promise<string> {
  const postgres = await startEmbeddedPostgres({ dataDir, log });
  closers.push(() => postgres.stop());
  return postgres.url;
}

async function openDatabase(url: string, log: Logger, closers: (() => Promise<unknown>)[]): Promise<Connection> {
  const hint = 'Write --database-url like postgres://user@host/database, and see that it answers.';
  // Anything else would be taken for the name of a host.
  if (!/^postgres(?:ql)?:\/\//.test(url)) throw new MurmurError('INVALID_ARGUMENT', '--database-url is not a PostgreSQL URL', { hint });
  const connection = connect(url, { onIdleError: (err) => log.warn({ err }, 'a connection to the database was lost') });
  closers.push(connection.close);
  try {
    await migrate(connection.pool);
  } catch (cause) {
    if (cause instanceof MurmurError || !(cause instanceof Error)) throw cause;
    throw new MurmurError('FAILED_PRECONDITION', `cannot use the database: ${cause.message}`, { cause, hint });
  }
  return connection;
}

/** The only place that knows the substrates by name. One that this host lacks the programs for is left out, with a warning. */
async function startSubstrates(
  parts: { dataDir: string; installation: string; log: Logger },
  closers: (() => Promise<unknown>)[],
): Promise<{
  substrates: ReadonlyMap<SubstrateName, Substrate>;
  baseBuilders: readonly BaseBuilder[];
}> {
  const substrates = new Map<SubstrateName, Substrate>();
  const baseBuilders: BaseBuilder[] = [];
  try {
    const qemu = await createQemuSubstrate({ ...parts, runtimeDir: await openRuntimeDir(parts.dataDir) });
    substrates.set('QEMU', qemu);
    closers.push(() => qemu.close());
    baseBuilders.push({
      imageName: 'murmur-qemu-base',
      build: async (build) => (await qemu.buildBase({ name: 'murmur-qemu-base', ...build })).image,
    });
  } catch (cause) {
    parts.log.warn({ err: cause }, 'the QEMU substrate is not available on this host');
  }
  return { substrates, baseBuilders };
}

function createLog(): Logger {
  const level = process.env['MURMUR_LOG_LEVEL'] ?? 'info';
  const levels = [...Object.keys(pino.levels.values), 'silent'];
  if (!levels.includes(level)) {
    throw new MurmurError('INVALID_ARGUMENT', `MURMUR_LOG_LEVEL "${level}" is not a level`, { hint: `Use one of ${levels.join(', ')}.` });
  }
  return pino({ level, base: null }, destination(2));
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolved) => signal.addEventListener('abort', () => resolved(), { once: true }));
}
