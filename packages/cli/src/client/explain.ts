import { ConnectError } from '@connectrpc/connect';
import { MurmurError, isMurmurError } from '@murmur/api';

import { isOnThisMachine } from '../config/server-address.js';
import { addressFault, isConnectionFault } from './connection-faults.js';

/** Whatever a command failed with, as an error with faults and hints to print. */
export function explain(thrown: unknown, server: string | undefined): MurmurError {
  const fault = server !== undefined && thrown instanceof ConnectError ? addressFault(thrown, server) : undefined;
  if (fault !== undefined) return new MurmurError('UNAVAILABLE', fault.message, { cause: thrown, hint: fault.hint });
  // Only the API client wraps errors so; a bare one is another connection, such as the server's own to its database.
  if (server !== undefined && thrown instanceof ConnectError && isConnectionFault(thrown)) {
    const hint = isOnThisMachine(server) ? 'Start one with: murmur server' : 'Check the address, or set another one with MURMUR_SERVER.';
    return new MurmurError('UNAVAILABLE', `cannot reach the server at ${server}`, { cause: thrown, hint });
  }
  if (isMurmurError(thrown) || thrown instanceof ConnectError) return MurmurError.from(thrown);
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new MurmurError('INTERNAL', `murmur itself failed: ${message}`, {
    cause: thrown,
    hint: 'This is a fault in the command line program.',
  });
}
