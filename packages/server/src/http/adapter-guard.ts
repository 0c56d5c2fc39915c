import type { RequestListener, ServerResponse } from 'node:http';

import type { Logger } from 'pino';

/**
 * Stands between clients and Connect's adapter, which is at a loss in two cases: it throws, where nobody catches, on a request
 * whose address cannot be read; and it waits for ever to go on with an HTTP/1.1 answer whose client left while it was stuck.
 */
export function guardAdapter(handler: RequestListener, log: Logger): RequestListener {
  return (request, response) => {
    response.once('close', () => giveUpWriting(response));
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
