import { sql } from 'kysely';
import type { Logger } from 'pino';

import type { Database } from '../database/tables.js';
import type { Metrics } from './metrics.js';

/** The part of a request and a response, of either HTTP version, that these endpoints use. */
type Request = { readonly url?: string | undefined };
type Response = { writeHead(status: number, headers: Record<string, string>): unknown; end(body: string): unknown };

type Answer = { status: number; type: string; body: string };

/** A database that takes longer does not answer. */
const longestAnswerMs = 3000;

/** Serves what is not the API: `/healthz` (the process lives), `/readyz` (it can reach its database) and `/metrics`. */
export function healthHandler(parts: { database: Database; metrics: Metrics; log: Logger }) {
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

  const answer = async (path: string): Promise<Answer> => {
    switch (path) {
      case '/healthz':
        return text(200, 'ok');
      case '/readyz':
        return ready();
      case '/metrics':
        return { status: 200, type: parts.metrics.registry.contentType, body: await parts.metrics.registry.metrics() };
      default:
        return text(404, 'not found');
    }
  };

  return (request: Request, response: Response): void => {
    // Not parsed as a URL: a client may send what is none.
    const [path = ''] = (request.url ?? '').split('?', 1);
    answer(path).then(
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
