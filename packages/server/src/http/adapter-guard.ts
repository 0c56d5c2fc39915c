import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { constants, type Http2ServerRequest } from 'node:http2';

import type { Logger } from 'pino';

/** How long a client may go on sending after it was answered, in milliseconds: one that is cut off at once may not see the answer. */
const lingerMs = 1000;

/**
 * Stands between clients and what answers them, and sees to three things: a request whose address cannot be read throws, where
 * nobody catches; Connect's adapter waits for ever to go on with an HTTP/1.1 answer whose client left while it was stuck; and
 * a body that nobody reads would hold its connection.
 */
export function guardAdapter(handler: RequestListener, log: Logger): RequestListener {
  return (request, response) => {
    response.once('close', () => giveUpWriting(response));
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
function dropRest(request: IncomingMessage | Http2ServerRequest): void {
  if (request.complete) return;
  const limit = setTimeout(() => {
    if ('stream' in request) request.stream.close(constants.NGHTTP2_NO_ERROR);
    else request.socket.destroy();
  }, lingerMs);
  const ended = (): void => clearTimeout(limit);
  request.once('end', ended).once('close', ended).resume();
}
