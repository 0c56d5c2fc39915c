import { ConnectError, Code, type Interceptor } from '@connectrpc/connect';
import { MurmurError } from '@murmur/api';
import type { Logger } from 'pino';

/** Turns whatever a service throws into a coded error. The cause of an internal one goes to the log and never to the client. */
export function errorInterceptor(log: Logger): Interceptor {
  return (next) => async (request) => {
    const translate = (thrown: unknown): ConnectError => {
      if (request.signal.aborted) return new ConnectError('the call was cancelled', Code.Canceled, undefined, undefined, thrown);
      const error = MurmurError.from(thrown);
      if (error.code === 'INTERNAL' || error.code === 'UNKNOWN') {
        log.error({ err: error.cause ?? error, method: request.method.name }, 'call failed for an internal reason');
      }
      return error.toConnect();
    };
    try {
      const response = await next(request);
      return response.stream ? { ...response, message: translated(response.message, translate) } : response;
    } catch (thrown) {
      throw translate(thrown);
    }
  };
}

async function* translated<T>(messages: AsyncIterable<T>, translate: (thrown: unknown) => ConnectError): AsyncIterable<T> {
  try {
    yield* messages;
  } catch (thrown) {
    throw translate(thrown);
  }
}
