import type { RequestListener } from 'node:http';

import { isLoopback, refusal, type MurmurError } from '@murmur/api';

import { guardErrors } from './errors.js';
import type { AnyRequest } from '../connections.js';

/** Whether a request asks for this machine by a name that means it everywhere: no page of another site can have such an address. */
export function namesThisMachine(request: AnyRequest): boolean {
  return isOwnName(hostOf(request));
}

/**
 * Lets requests pass that ask for this machine by its own names, or by one of those that are given. A server that listens on
 * the loopback alone trusts what comes from there, and a page in a browser of this machine can come from there too, by a name
 * that its site has pointed at the loopback.
 */
export function requireOwnName(handler: RequestListener, listenHost: string, names: readonly string[]): RequestListener {
  if (!isOwnName(listenHost)) return handler;
  const others = new Set(names.map((name) => name.toLowerCase()));
  return (request, response) => {
    const host = hostOf(request);
    // A client of HTTP/1.0 may say none; a browser always does.
    if (host === '' || isOwnName(host) || others.has(host)) return handler(request, response);
    const { message, hint } = misdirected(host);
    response.writeHead(403, { 'content-type': 'application/json' });
    response.end(`${JSON.stringify({ code: 'permission_denied', message: `${message}: ${hint}` })}\n`);
  };
}

function misdirected(host: string): MurmurError {
  return refusal(guardErrors.otherName, [host.slice(0, 253)]);
}

/** Without the port and brackets. */
function hostOf(request: AnyRequest): string {
  const written = request.headers[':authority'] ?? request.headers.host ?? '';
  return String(written)
    .toLowerCase()
    .replace(/:\d*$/, '')
    .replace(/^\[(.*)\]$/, '$1');
}

function isOwnName(host: string): boolean {
  return isLoopback(host) || /^([^/@]+\.)?localhost\.?$/.test(host);
}
