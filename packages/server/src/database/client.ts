import pg from 'pg';

import { noteConnectionFault } from './outage.js';

/** How long a database may take, in milliseconds. One that takes longer hangs, and its connection is given up. */
export interface DatabaseLimits {
  readonly connectMs: number;
  /** For one statement, by the server itself; beyond it the statement is cancelled. */
  readonly statementMs: number;
  /** For an answer. More than a statement's, so that a server that lives can still say why. */
  readonly answerMs: number;
  /** How long a transaction may stay open with nothing asked: a client that sleeps must not hold others up. */
  readonly idleTransactionMs: number;
}

/** The limits of everything that a call or a bake asks. */
export const usualLimits: DatabaseLimits = { connectMs: 5000, statementMs: 10_000, answerMs: 12_000, idleTransactionMs: 20_000 };

/** The limits of work that may take as long as the data is large. */
export const unhurried: Partial<DatabaseLimits> = { connectMs: usualLimits.connectMs };

/** What every connection of one server process has in common. */
export interface ConnectionLines {
  /** Told of each connection that broke, used or not. */
  readonly onLost: (error: Error) => void;
  /** The open ones. */
  readonly open: Set<pg.Client>;
  /** Set when the process stops: nothing is opened any more. */
  cut: boolean;
}

type ErrorSink = (error: unknown) => void;

/**
 * The class of a process's connections to PostgreSQL. Whoever holds one and whatever happens to it, its loss is only an error of
 * what was asked over it: pg ends the process for a lost connection that nobody listens to, and pg-pool stops listening while
 * one is lent out. What fails for the connection's sake is noted as such for `isDatabaseOutage`.
 */
export function clientClass(lines: ConnectionLines, limits: Partial<DatabaseLimits>): typeof pg.Client {
  return class extends pg.Client {
    constructor(config?: string | pg.ClientConfig) {
      super({ ...(typeof config === 'string' ? { connectionString: config } : config), ...settingsOf(limits) });
      this.on('error', (error) => {
        if (!lines.cut) lines.onLost(error);
      });
      this.once('end', () => lines.open.delete(this));
      const give = (error: unknown): void => {
        if (isSilence(error)) {
          // DBOS goes by the words: it repeats what a connection lost, for as long as it takes.
          error.message = `Connection terminated unexpectedly: no answer within ${(limits.answerMs ?? 0) / 1000} s`;
          // The answer may still come, to whatever is asked next.
          this.connection.stream.destroy();
        }
        if (!(error instanceof pg.DatabaseError || error instanceof TypeError || error instanceof RangeError)) noteConnectionFault(error);
      };
      const [connect, query] = [this.connect.bind(this), this.query.bind(this)] as readonly Ask[];
      Object.assign(this, {
        connect: (...args: unknown[]) => {
          if (lines.cut) return told(refuse, args, noteConnectionFault);
          lines.open.add(this);
          return told(connect, args, noteConnectionFault);
        },
        query: (...args: unknown[]) => told(query, args, give),
      });
    }
  };
}

type Ask = (...args: unknown[]) => unknown;

/** Asks, and shows the error to the sink before the asker, whichever of pg's two ways of answering is used. */
function told(ask: Ask | undefined, args: readonly unknown[], sink: ErrorSink): unknown {
  const last = args.at(-1);
  if (typeof last === 'function') {
    const answer = (error: unknown, ...rest: unknown[]): unknown => {
      if (error !== undefined && error !== null) sink(error);
      return (last as Ask)(error, ...rest);
    };
    return ask?.(...args.slice(0, -1), answer);
  }
  const answered = ask?.(...args);
  if (!(answered instanceof Promise)) return answered;
  return answered.catch((error: unknown) => {
    sink(error);
    throw error;
  });
}

function refuse(callback?: unknown): unknown {
  const error = new Error('the server stops and opens no connection any more');
  if (typeof callback === 'function') return process.nextTick(callback, error);
  return Promise.reject(error);
}

function isSilence(error: unknown): error is Error {
  return error instanceof Error && error.message === 'Query read timeout';
}

function settingsOf({ answerMs, connectMs, idleTransactionMs, statementMs }: Partial<DatabaseLimits>): pg.ClientConfig {
  return {
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    ...(connectMs === undefined ? {} : { connectionTimeoutMillis: connectMs }),
    ...(statementMs === undefined ? {} : { statement_timeout: statementMs }),
    ...(answerMs === undefined ? {} : { query_timeout: answerMs }),
    ...(idleTransactionMs === undefined ? {} : { idle_in_transaction_session_timeout: idleTransactionMs }),
  };
}
