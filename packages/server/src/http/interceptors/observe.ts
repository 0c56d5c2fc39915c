import type { Interceptor } from '@connectrpc/connect';
import { MurmurError } from '@murmur/api';
import type { Logger } from 'pino';

import { identityKey } from '../caller.js';
import type { Metrics } from '../metrics.js';

/** One log line and one measurement for each call: its method, code and seconds. Never its content. */
export function observeInterceptor(log: Logger, metrics: Metrics): Interceptor {
  return (next) => async (request) => {
    const started = process.hrtime.bigint();
    const finish = (thrown?: unknown): void => {
      const code = thrown === undefined ? 'OK' : MurmurError.from(thrown).code;
      const seconds = Number(process.hrtime.bigint() - started) / 1e9;
      metrics.calls.observe({ method: request.method.name, code }, seconds);
      const identity = request.contextValues.get(identityKey);
      log.info({ method: request.method.name, code, seconds, tenant: identity?.tenant, key: identity?.keyId }, 'call');
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
