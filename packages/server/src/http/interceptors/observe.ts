import type { Interceptor } from '@connectrpc/connect';
import { MurmurError } from '@murmur/api';
import type { Logger } from 'pino';

import type { Identity } from '../../access/identity.js';
import { addressKey, identityKey } from '../caller.js';
import type { Metrics } from '../metrics.js';

/** What is known of a call that has ended. */
export interface EndedCall {
  readonly method: string;
  readonly code: string;
  readonly seconds: number;
  /** Where it came from. */
  readonly address: string;
  readonly identity?: Identity | undefined;
}

/** Writes down and counts a call: by whom, how long, with what end. Never its content. */
export function observeCall(
  { log, metrics }: { log: Logger; metrics: Metrics },
  { method, code, seconds, address, identity }: EndedCall,
): void {
  metrics.calls.observe({ method, code }, seconds);
  log.info({ method, code, seconds, address, tenant: identity?.tenant, key: identity?.keyId }, 'call');
}

/** One log line and one measurement for each call: its method, code and seconds. Never its content. */
export function observeInterceptor(log: Logger, metrics: Metrics): Interceptor {
  return (next) => async (request) => {
    const started = process.hrtime.bigint();
    const finish = (thrown?: unknown): void => {
      const code = thrown === undefined ? 'OK' : MurmurError.from(thrown).code;
      const seconds = Number(process.hrtime.bigint() - started) / 1e9;
      observeCall(
        { log, metrics },
        {
          method: request.method.name,
          code,
          seconds,
          address: request.contextValues.get(addressKey),
          identity: request.contextValues.get(identityKey),
        },
      );
    };
    try {
      const response = await next(request);
      if (response.stream) return { ...response, message: observed(response.message, finish) };
      finish();
      return response;
    } catch (thrown) {
      finish(thrown);
      throw thrown;
    }
  };
}

async function* observed<T>(messages: AsyncIterable<T>, finish: (thrown?: unknown) => void): AsyncIterable<T> {
  let failure: unknown;
  try {
    yield* messages;
  } catch (thrown) {
    failure = thrown;
    throw thrown;
  } finally {
    finish(failure);
  }
}
