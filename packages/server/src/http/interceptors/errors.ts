import { ConnectError, Code, type Interceptor } from '@connectrpc/connect';
import { type ErrorCode, MurmurError, isMurmurError, refusal } from '@murmur/api';
import type { Logger } from 'pino';

import { isDatabaseOutage } from '../../database/outage.js';
import { guardErrors } from '../guards/errors.js';

/** Turns whatever a service throws into a coded error. The cause of an internal one goes to the log and never to the client. */
export function errorInterceptor(log: Logger): Interceptor {
  return (next) => async (request) => {
    const translate = (thrown: unknown): ConnectError =>
      request.signal.aborted ? interruption(request.signal, thrown) : errorToTell(log, request.method.name, thrown).toConnect();
    try {
      const response = await next(request);
      return response.stream ? { ...response, message: translated(response.message, request.signal, translate) } : response;
    } catch (thrown) {
      throw translate(thrown);
    }
  };
}

/** What the client of a call is told of something thrown; its cause goes to the log where it is ours. */
export function errorToTell(log: Logger, method: string, thrown: unknown): MurmurError {
  const error = coded(thrown);
  if (error.code === 'INTERNAL' || error.code === 'UNKNOWN' || error.code === 'UNAVAILABLE') {
    log.error({ err: error.cause ?? error, method }, 'call failed for an internal reason');
  }
  return error;
}

/** The code that a call ends with whose service throws this. */
export function outcomeCode(thrown: unknown, signal: AbortSignal): ErrorCode {
  return signal.aborted ? MurmurError.from(interruption(signal, thrown)).code : coded(thrown).code;
}

function coded(thrown: unknown): MurmurError {
  return isDatabaseOutage(thrown) ? databaseAway(thrown) : MurmurError.from(thrown);
}

async function* translated<T>(
  messages: AsyncIterable<T>,
  signal: AbortSignal,
  translate: (thrown: unknown) => ConnectError,
): AsyncIterable<T> {
  try {
    yield* messages;
    // A service may simply stop when told to; its client must not take that for the end of what it asked for.
    signal.throwIfAborted();
  } catch (thrown) {
    throw translate(thrown);
  }
}

/** Why a call was broken off: by its own deadline, by the server's stop, or else by the client. */
function interruption({ reason }: AbortSignal, thrown: unknown): ConnectError {
  if (isMurmurError(reason)) return reason.toConnect();
  if (reason instanceof ConnectError) return reason;
  return new ConnectError('the call was cancelled', Code.Canceled, undefined, undefined, thrown);
}

function databaseAway(cause: unknown): MurmurError {
  return refusal(guardErrors.databaseAway, [], { cause });
}
