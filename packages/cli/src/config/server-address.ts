import { networkInterfaces } from 'node:os';

import { isLoopback } from '@murmur/api';

import { usageError } from '../failure.js';

/** The address `murmur server` listens on unless told otherwise. */
export const defaultServer = 'http://127.0.0.1:7007';

/** An address as settings have it. Throws INVALID_ARGUMENT for what is no URL of a server. */
export function serverOrigin(written: string): string {
  const address = written.includes('://') ? written : `http://${written}`;
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:') || url.hostname === '') {
    throw usageError(`server address "${written}" is not a URL`, 'Write it like http://127.0.0.1:7007.');
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}

/** Whether an address is this very machine. */
export function isOnThisMachine(server: string): boolean {
  return isLoopback(new URL(server).hostname);
}

/** Whether what is sent there can be read on its way: by plain HTTP, and to another host than this one. */
export function isReadableOnItsWay(server: string): boolean {
  if (!server.startsWith('http:') || isOnThisMachine(server)) return false;
  const host = new URL(server).hostname.replace(/^\[(.*)\]$/, '$1');
  return !Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ address }) => address === host));
}
