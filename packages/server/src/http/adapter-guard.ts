import type { RequestListener, ServerResponse } from 'node:http';
import { constants } from 'node:http2';

import type { Logger } from 'pino';

import { type AnyRequest, isProven } from './connections.js';

/** How long a client may go on sending after it was answered, in milliseconds: one that is cut off at once may not see the answer. */
const lingerMs = 1000;

/** How long one without a good key may take over a request and its answer in all. */
const strangerMs = 60_000;

/**
 * Stands between clients and what answers them, and sees to four things: a request whose address cannot be read throws, where
 * nobody catches; Connect's adapter waits for ever to go on with an HTTP/1.1 answer whose client left while it was stuck;
 * a body that nobody reads would hold its connection; and so would an answer that its client, a stranger, does not take.
 */
export function guardAdapter(handler: RequestListener, log: Logger, patienceMs = strangerMs): RequestListener {
  return (request, response) => {
    const limit = setTimeout(() => {
      if (!isProven(request)) cutOff(request, constants.NGHTTP2_CANCEL);
    }, patienceMs);
    response.once('close', () => {
      clearTimeout(limit);
      giveUpWriting(response);
    });
    response.once('finish', () => dropRest(request));
    try {
      handler(request, response);
    } catch (cause) {
      log.warn({ err: cause }, 'refused a malformed request');
      response.writeHead(400, { 'content-type': 'text/plain; charset=utf-8' });
      response.end('malformed request\n');
    }
  };
}

/** The adapter waits for `drain` or `error`, and a response that was cut off gives neither. */
function giveUpWriting(response: ServerResponse): void {
  if (response.listenerCount('drain') === 0 || response.listenerCount('error') === 0) return;
  // This code tells the adapter that the client is to blame.
  response.emit('error', Object.assign(new Error('the client went away'), { code: 'ECONNRESET' }));
}

/** Lets what is left of an answered request pass by, for a moment. */
function dropRest(request: AnyRequest): void {
  if (request.complete) return;
  const limit = setTimeout(() => cutOff(request, constants.NGHTTP2_NO_ERROR), lingerMs);
  const ended = (): void => clearTimeout(limit);
  request.once('end', ended).once('close', ended).resume();
}

/** Ends a call of HTTP/2 alone; over HTTP/1.1 its connection goes with it. */
function cutOff(request: AnyRequest, code: number): void {
  if ('stream' in request) request.stream.close(code);
  else request.socket.destroy();
}
