import { MurmurError } from '@murmur/api';
import type { Logger } from 'pino';

import { authenticate } from '../access/authenticate.js';
import type { Issuers } from '../access/oidc.js';
import type { Bakery } from '../bake/index.js';
import type { CatalogContext } from '../catalog/context.js';
import type { Database } from '../database/tables.js';

import { accessService } from './access-service.js';
import { guardAdapter } from './adapter-guard.js';
import { bakeService } from './bake-service.js';
import { type BaseBuilder, baseService } from './base-service.js';
import { catalogService } from './catalog-service.js';
import { proveConnection } from './connections.js';
import { openDoor } from './guards/door.js';
import { healthHandler } from './health.js';
import { accessInterceptor } from './interceptors/access.js';
import { errorInterceptor, errorToTell } from './interceptors/errors.js';
import { observeCall, observeInterceptor } from './interceptors/observe.js';
import { type Listener, listen } from './listen.js';
import { createMetrics } from './metrics.js';
import { sessionService } from './session-service.js';

/** JSON that is not UTF-8 is refused: unless told so, the decoder puts other characters in place of what it cannot read. */
const jsonOptions = { ignoreUnknownFields: true, textDecoder: new TextDecoder('utf-8', { fatal: true }) };

/** What the API is served from. */
export interface ApiParts {
  readonly database: Database;
  readonly tenantKeys: CatalogContext['tenantKeys'];
  readonly bakery: Bakery;
  readonly baseBuilders: readonly BaseBuilder[];
  readonly substrates: readonly string[];
  /** The issuers whose tokens are taken beside API keys. */
  readonly issuers: Issuers;
  /** How long a stream goes on before its caller is looked at again, in milliseconds; a minute unless given. */
  readonly recheckMs?: number;
  readonly version: string;
  /** How many connections there may be at once; a number that every system allows unless given. */
  readonly connections?: number;
  readonly log: Logger;
}

/** Opens the port: the API by Connect, gRPC and gRPC-Web, beside health and metrics. */
export async function serveApi(address: string, parts: ApiParts): Promise<Listener> {
  const { database, bakery, log } = parts;
  const metrics = createMetrics({ database, log });
  const shutdown = new AbortController();
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
      interceptors: [observeInterceptor(log, metrics), errorInterceptor(log), accessInterceptor(parts)],
      shutdownSignal: shutdown.signal,
      jsonOptions,
    },
    async identify(request) {
      const identity = await authenticate(database, request.headers.authorization ?? null, parts.issuers);
      proveConnection(request);
      return identity;
    },
    refused({ method, seconds, thrown }) {
      const error = errorToTell(log, method, thrown);
      observeCall({ log, metrics }, { method, code: error.code, seconds });
      return error;
    },
    fallback: healthHandler({ database, metrics, log }),
    log,
  });
  const listener = await listen(address, guardAdapter(api, log), parts);
  return {
    url: listener.url,
    async close() {
      shutdown.abort(new MurmurError('UNAVAILABLE', 'the server is stopping', { hint: 'Try again once it is back.' }));
      await listener.close();
    },
  };
}
