import { refusal } from '@murmur/api';
import type { Logger } from 'pino';

import { authenticate } from '../access/authenticate.js';
import type { Identity } from '../access/identity.js';
import type { OwnIssuer } from '../access/own-issuer.js';
import type { Issuers } from '../access/oidc.js';
import type { Bakery } from '../bake/index.js';
import type { CatalogContext } from '../catalog/context.js';
import type { BaseImageBuilder } from '../bake/bases/build.js';
import type { Database } from '../database/tables.js';

import { accessService } from './access-service.js';
import { guardAdapter } from './adapter-guard.js';
import { bakeService } from './bake-service.js';
import { baseService } from './base-service.js';
import { catalogService } from './catalog-service.js';
import { type AnyRequest, addressOf, peerOf, proveConnection } from './connections.js';
import { guardErrors } from './guards/errors.js';
import { openDoor } from './guards/door.js';
import { requireOwnName } from './guards/host-names.js';
import { refusalBudget } from './guards/refusal-budget.js';
import type { BucketLimits } from './guards/token-buckets.js';
import { type WrongKeyLimits, watchKeys, wrongKeyLimits } from './guards/wrong-keys.js';
import { healthHandler, isHealth } from './health.js';
import { accessInterceptor } from './interceptors/access.js';
import { errorInterceptor, errorToTell } from './interceptors/errors.js';
import { observeCall, observeInterceptor } from './interceptors/observe.js';
import { type Listener, listen, parseListenAddress } from './listen.js';
import { requireMetricsReader } from './metrics-readers.js';
import { createMetrics } from './metrics.js';
import { sessionService } from './session-service.js';
import type { SiteFile } from './site/files.js';
import { serveSite } from './site/serve.js';

/** JSON that is not UTF-8 is refused: unless told so, the decoder puts other characters in place of what it cannot read. */
const jsonOptions = { ignoreUnknownFields: true, textDecoder: new TextDecoder('utf-8', { fatal: true }) };

/** What the API is served from. */
export interface ApiParts {
  readonly database: Database;
  readonly tenantKeys: CatalogContext['tenantKeys'];
  readonly bakery: Bakery;
  readonly baseBuilders: readonly BaseImageBuilder[];
  readonly substrates: readonly string[];
  /** Those that this server was to have, with the reason why it has not. */
  readonly missingSubstrates?: ReadonlyMap<string, string>;
  /** What clouds know this installation by, where one is configured that asks for it. */
  readonly issuer?: OwnIssuer | undefined;
  /** The issuers whose tokens are taken beside API keys. */
  readonly issuers: Issuers;
  /** The tenants beside `local/…` ones that the operator lets use this host. */
  readonly localTenants: readonly string[];
  /** How long a stream goes on before its caller is looked at again, in milliseconds; a minute unless given. */
  readonly recheckMs?: number;
  /** How wrong keys are slowed down, where not as usual. */
  readonly wrongKeys?: WrongKeyLimits;
  /** How many refused calls of a caller are written down, where not as usual. */
  readonly refusals?: BucketLimits;
  readonly version: string;
  /** The files of the dashboard; none unless given. */
  readonly site?: ReadonlyMap<string, SiteFile>;
  /** How many connections there may be at once; a number that every system allows unless given. */
  readonly connections?: number;
  /** The names that it goes by beside the loopback's own, where it listens on that alone: those a proxy passes on. */
  readonly hosts?: readonly string[];
  readonly log: Logger;
}

/** Opens the port: the API by Connect, gRPC and gRPC-Web, beside health, metrics and the dashboard. */
export async function serveApi(address: string, parts: ApiParts): Promise<Listener> {
  const { database, bakery, log } = parts;
  const metrics = createMetrics({ database, log });
  const shutdown = new AbortController();
  const keys = watchKeys(parts.wrongKeys ?? wrongKeyLimits, log);
  const identify = async (request: AnyRequest): Promise<Identity> => {
    const header = request.headers.authorization;
    const look = () => authenticate(database, header ?? null, parts.issuers);
    const identity = await keys.identify(peerOf(addressOf(request)), header, look);
    proveConnection(request);
    return identity;
  };
  const health = healthHandler({
    database,
    metrics,
    log,
    substrates: parts.substrates,
    missingSubstrates: parts.missingSubstrates ?? new Map(),
    issuer: parts.issuer,
    requireMetricsReader: (request) => requireMetricsReader(database, request, identify),
  });
  const site = serveSite(
    parts.site ?? new Map(),
    parts.issuers.configured.map(({ issuer }) => issuer),
  );
  const api = openDoor({
    service: {
      ...catalogService(parts),
      ...bakeService(bakery),
      ...baseService({ ...parts, builders: parts.baseBuilders }),
      ...accessService(parts),
      ...sessionService(parts),
    },
    options: {
      // The first is the outermost: observe sees the code that errors chose.
      interceptors: [
        observeInterceptor(log, metrics),
        errorInterceptor(log),
        accessInterceptor({ ...parts, refusals: refusalBudget(parts.refusals) }),
      ],
      shutdownSignal: shutdown.signal,
      jsonOptions,
    },
    identify,
    refused({ method, address, seconds, thrown }) {
      const error = errorToTell(log, method, thrown);
      observeCall({ log, metrics }, { method, code: error.code, seconds, address });
      return error;
    },
    fallback: (request, response) => {
      if (!isHealth(request) && site(request, response)) return;
      health(request, response);
    },
    log,
  });
  const listener = await listen(
    address,
    guardAdapter(requireOwnName(api, parseListenAddress(address).host, parts.hosts ?? []), log),
    parts,
  );
  return {
    url: listener.url,
    async close() {
      shutdown.abort(refusal(guardErrors.stopping, []));
      await listener.close();
    },
  };
}
