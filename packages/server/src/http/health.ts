import type { MurmurError } from '@murmur/api';
import { sql } from 'kysely';
import type { Logger } from 'pino';

import type { OwnIssuer } from '../access/own-issuer.js';
import type { Database } from '../database/tables.js';
import type { AnyRequest } from './connections.js';
import { errorToTell } from './interceptors/errors.js';
import type { Metrics } from './metrics.js';

/** The part of a response, of either HTTP version, that these endpoints use. */
type Response = { writeHead(status: number, headers: Record<string, string>): unknown; end(body: string): unknown };

type Answer = { status: number; type: string; body: string };

const statuses: { readonly [Code in MurmurError['code']]?: number } = {
  UNAUTHENTICATED: 401,
  PERMISSION_DENIED: 403,
  RESOURCE_EXHAUSTED: 429,
  UNAVAILABLE: 503,
};

/** A database that takes longer does not answer. */
const longestAnswerMs = 3000;

/** Whether a request is for one of these endpoints. */
export function isHealth({ url = '' }: Pick<AnyRequest, 'url'>): boolean {
  return /^\/(?:healthz|readyz|metrics|\.well-known\/.*)(?:\?|$)/.test(url);
}

/** What these endpoints are served from. */
export interface HealthParts {
  readonly database: Database;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** The substrates this server has, and those it was to have with the reason why it has not. */
  readonly substrates: readonly string[];
  readonly missingSubstrates: ReadonlyMap<string, string>;
  /** What this installation says of itself as an issuer of identities, where it is one. */
  readonly issuer?: Pick<OwnIssuer, 'configuration' | 'jwks'> | undefined;
  /** Throws unless the request may read the measurements. */
  requireMetricsReader(request: AnyRequest): Promise<void>;
}

/**
 * Serves what is not the API: `/healthz` (the process lives), `/readyz` (it can reach its database) and `/metrics`. Whoever may
 * read the measurements learns from `/readyz?verbose` which substrates the server has, and why it lacks the others. What clouds
 * are given to know this installation by is at `/.well-known`, where it is an issuer of identities.
 */
export function healthHandler(parts: HealthParts) {
  const text = (status: number, body: string): Answer => ({ status, type: 'text/plain; charset=utf-8', body: `${body}\n` });

  let asked: Promise<unknown> | undefined;
  const ready = async (): Promise<Answer> => {
    // However many ask, the database is asked once at a time.
    asked ??= sql`select 1`.execute(parts.database).finally(() => (asked = undefined));
    try {
      await Promise.race([asked, tooLong()]);
      return text(200, 'ok');
    } catch (cause) {
      parts.log.warn({ err: cause }, 'not ready: the database does not answer');
      return text(503, 'the database does not answer');
    }
  };

  const verbose = async (request: AnyRequest): Promise<Answer> => {
    const { body, ...answered } = await ready();
    try {
      await parts.requireMetricsReader(request);
    } catch (thrown) {
      errorToTell(parts.log, 'readyz', thrown);
      return { ...answered, body };
    }
    const has = parts.substrates.map((name) => `substrate ${name}: available`);
    const lacks = [...parts.missingSubstrates].map(([name, why]) => `substrate ${name}: not available: ${why}`);
    return { ...answered, body: [body.trimEnd(), ...has, ...lacks, ''].join('\n') };
  };

  const measurements = async (request: AnyRequest): Promise<Answer> => {
    try {
      await parts.requireMetricsReader(request);
    } catch (thrown) {
      const { code, message, hint } = errorToTell(parts.log, 'metrics', thrown);
      return text(statuses[code] ?? 500, hint === undefined ? message : `${message}\n${hint}`);
    }
    const { registry } = parts.metrics;
    return { status: 200, type: registry.contentType, body: await registry.metrics() };
  };

  const json = (content: object): Answer => ({ status: 200, type: 'application/json', body: `${JSON.stringify(content)}\n` });
  const notFound = text(404, 'not found');

  const answer = async (path: string, query: string | undefined, request: AnyRequest): Promise<Answer> => {
    switch (path) {
      case '/healthz':
        return text(200, 'ok');
      case '/readyz':
        return query?.split('&').some((one) => /^verbose(=|$)/.test(one)) === true ? verbose(request) : ready();
      case '/metrics':
        return measurements(request);
      case '/.well-known/openid-configuration':
        return parts.issuer === undefined ? notFound : json(parts.issuer.configuration());
      case '/.well-known/jwks.json':
        return parts.issuer === undefined ? notFound : json(await parts.issuer.jwks());
      default:
        return notFound;
    }
  };

  return (request: AnyRequest, response: Response): void => {
    // Not parsed as a URL: a client may send what is none.
    const [path = '', query] = (request.url ?? '').split('?', 2);
    answer(path, query, request).then(
      ({ status, type, body }) => {
        response.writeHead(status, { 'content-type': type });
        response.end(body);
      },
      (cause: unknown) => {
        parts.log.error({ err: cause, path }, 'a health endpoint failed');
        response.writeHead(500, { 'content-type': 'text/plain' });
        response.end('internal error\n');
      },
    );
  };
}

function tooLong(): Promise<never> {
  return new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`no answer within ${longestAnswerMs / 1000} s`)), longestAnswerMs).unref();
  });
}
