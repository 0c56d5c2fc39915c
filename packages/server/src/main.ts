import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { Logger } from 'pino';

import { writeAdminAddress } from './access/admin-address.js';
import { ensureFirstTenant } from './access/first-tenant.js';
import { createOwnIssuer } from './access/own-issuer.js';
import { createIssuers } from './access/oidc.js';
import { createBakery } from './bake/index.js';
import { startReconcileLoops } from './bake/upkeep/reconcile-loop.js';
import { writeBuiltins } from './catalog/builtins.js';
import { configurationFor } from './configuration/configuration.js';
import { createLog } from './create-log.js';
import { lockDataDir } from './host/data-dir-lock.js';
import { installationId } from './database/installation.js';
import { type DiskSpace, watchDiskSpace } from './host/disk-space.js';
import { keepReserve, useReserve } from './host/disk-reserve.js';
import { openRuntimeDir } from './host/runtime-dir.js';
import type { Database } from './database/tables.js';
import { formerHostIdOf, hostIdOf } from './host/host-id.js';
import { parseListenAddress } from './http/listen.js';
import { serveApi } from './http/server.js';
import { readSite } from './http/site/files.js';
import { type Closers, closeAll, openDatabase, startOwnPostgres } from './open-database.js';
import { keyPlaces } from './secrets/key-places.js';
import type { KeyProvider } from './secrets/key-provider.js';
import { type KeyPlaces, openKeyRing } from './secrets/key-ring.js';
import { createTenantKeys } from './secrets/tenant-keys.js';
import { withLimits } from './substrates/limits.js';
import { checkImage, registry, type SubstrateParts, type SubstratesConfiguration } from './substrates/registry.js';
import type { BaseBuilder, Substrate, SubstrateName } from './substrates/substrate.js';
import { serverVersion } from './version.js';

export { rotateKey, type RotateKeyOptions } from './rotate-key.js';

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
  /** The operator's configuration file. Default: `server.yaml` in the data directory, when there is one. */
  readonly configFile?: string | undefined;
  /** Gets the one ready line. */
  readonly stdout: { write(text: string): unknown };
}

/**
 * Runs a server until its signal is aborted. Bakes that are running then go on in the next start. Rejects with a
 * MurmurError when it cannot start.
 */
export async function runServer(options: ServerOptions): Promise<void> {
  const log = createLog(process.env);
  const closers: Closers = [];
  try {
    const superseded = new AbortController();
    const url = await start(options, log, closers, superseded);
    if (!options.signal.aborted) options.stdout.write(`murmur server listening on ${url}\n`);
    await aborted(AbortSignal.any([options.signal, superseded.signal]));
    log.info('stopping');
    superseded.signal.throwIfAborted();
  } finally {
    await closeAll(closers, log);
  }
}

async function start(options: ServerOptions, log: Logger, closers: Closers, superseded: AbortController): Promise<string> {
  // Before anything is made: a word that is no address must not leave a data directory behind.
  parseListenAddress(options.listen);
  const dataDir = resolve(options.dataDir);
  const configuration = await configurationFor(dataDir, options.configFile);
  if (await useReserve(dataDir)) log.warn({ dataDir }, 'the disk is full; the space kept for that is used to start');
  const lock = await lockDataDir(dataDir);
  closers.push(() => lock.release());

  // Before anything is started that would inherit the variable.
  const places = keyPlaces(dataDir, configuration.keyProvider, process.env);
  const databaseUrl = options.databaseUrl ?? (await startOwnPostgres(dataDir, log, closers));
  const connection = await openDatabase(databaseUrl, log, closers, options.signal);
  const { database } = connection;
  const tenantKeys = createTenantKeys(database, await openKeys(database, places, log));
  await ensureFirstTenant({ database, dataDir });
  const installation = await installationId(database);

  const { gce } = configuration.substrates;
  const issuer = createOwnIssuer({ database, tenantKeys, url: gce?.issuer ?? `https://murmur.invalid/${installation}` });
  const parts = { installation, subjects: issuer, reach: configuration.network.guests, log };
  const { substrates, missingSubstrates } = await startSubstrates(dataDir, configuration.substrates, parts, closers);
  const localSubstrates = [...substrates.values()].flatMap(({ local, name }) => (local ? [name] : []));
  const localArchitecture = process.arch === 'arm64' ? 'ARM64' : 'AMD64';
  await writeBuiltins(database, {
    localSubstrates,
    localArchitecture,
    ...configuration.baseImages,
  });

  const hostId = await hostIdOf(dataDir);
  const disk = watchDiskSpace(dataDir, configuration.limits.diskFloor);
  const bakery = createBakery({
    database,
    connection,
    tenantKeys,
    substrates,
    checkImage,
    installation,
    log,
    hostId,
    formerHostId: formerHostIdOf(dataDir),
    sharesDatabase: options.databaseUrl !== undefined,
    onSuperseded: (error) => superseded.abort(error),
    retention: configuration.retention,
    room: { ...configuration.limits, host: hostId, disk },
  });
  closers.push(() => bakery.shutdown());
  await bakery.launch();

  const version = serverVersion();
  const listener = await serveApi(options.listen, {
    database,
    tenantKeys,
    bakery,
    baseBuilders: [...substrates.values()].flatMap(({ baseBuilder }) => (baseBuilder === undefined ? [] : [withSpace(disk, baseBuilder)])),
    substrates: [...substrates.keys()],
    missingSubstrates,
    localTenants: configuration.localTenants,
    issuer: gce === undefined ? undefined : issuer,
    issuers: createIssuers(configuration.oidc, log),
    connections: configuration.limits.connections,
    hosts: configuration.hosts,
    site: await readSite(dashboardFolder),
    version,
    log,
  });
  closers.push(() => listener.close());
  const reserve = startReconcileLoops([{ name: 'reserve', everyMs: 600_000, work: () => keepReserve(dataDir) }], log);
  closers.push(() => reserve.stop());
  closers.push(await writeAdminAddress(dataDir, listener.url));
  return listener.url;
}

/** Where the build leaves the dashboard. */
const dashboardFolder = fileURLToPath(new URL('../../dashboard/dist/site/', import.meta.url));

/** Builds only where there is space for it. */
function withSpace(disk: DiskSpace, builder: BaseBuilder): Pick<BaseBuilder, 'imageName' | 'build'> {
  return {
    imageName: builder.imageName,
    async build(options) {
      await disk.require(`a build of base image "${builder.imageName}"`);
      return builder.build(options);
    },
  };
}

/** Refuses to start where nothing that is encrypted could be read. */
async function openKeys(database: Database, places: KeyPlaces, log: Logger): Promise<KeyProvider> {
  const ring = await openKeyRing(database, places);
  if (ring.others.length > 0) {
    log.warn({ keys: ring.others }, `other keys than ${ring.own.place} still wrap tenants' keys; "murmur server rotate-key" ends that`);
  }
  return ring;
}

/** The substrates that this host and its configuration allow. One that cannot work is left out, with a warning that says why. */
async function startSubstrates(
  dataDir: string,
  configuration: SubstratesConfiguration,
  parts: Omit<SubstrateParts, 'dataDir' | 'runtimeDir'>,
  closers: Closers,
): Promise<{ substrates: ReadonlyMap<SubstrateName, Substrate>; missingSubstrates: ReadonlyMap<string, string> }> {
  const substrates = new Map<SubstrateName, Substrate>();
  const missingSubstrates = new Map<string, string>();
  const runtimeDir = await openRuntimeDir(dataDir);
  for (const { enabled, name, open } of registry) {
    if (!enabled(configuration)) continue;
    try {
      const substrate = withLimits(await open({ ...parts, dataDir, runtimeDir }, configuration));
      substrates.set(substrate.name, substrate);
      closers.push(() => substrate.close?.() ?? Promise.resolve());
    } catch (cause) {
      missingSubstrates.set(name, cause instanceof Error ? cause.message : String(cause));
      parts.log.warn({ err: cause, substrate: name }, 'a substrate is not available on this server');
    }
  }
  return { substrates, missingSubstrates };
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolved) => signal.addEventListener('abort', () => resolved(), { once: true }));
}
