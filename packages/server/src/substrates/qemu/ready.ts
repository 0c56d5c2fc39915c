import { createConnection, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

import { connectSsh } from '../ssh.js';
import { PlatformFault, type GuestChannel, type GuestKeys, type Token } from '../substrate.js';
import { findMachine } from './launch.js';
import type { Layout } from './layout.js';

/** User-mode networking takes connections before the guest does, and retries inside at growing intervals: rather dial anew. */
const bannerMs = 1000;
const bootMs = 300_000;

/** Ends when the guest's own boot has: at once where there is no systemd to ask. */
const bootFinished = 'if [ -d /run/systemd/system ]; then systemctl is-system-running --wait; fi; true';

/** Returns when the guest has finished booting and answers over SSH. */
export async function waitUntilReady(layout: Layout, token: Token, keys: GuestKeys, signal: AbortSignal): Promise<void> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(bootMs)]);
  try {
    await using channel = await openChannel(layout, token, keys, limit);
    await channel.run(bootFinished, { signal: limit });
  } catch (error) {
    if (limit.aborted && !signal.aborted)
      throw new PlatformFault(`the machine did not finish booting within ${bootMs / 1000} s`, { cause: error });
    throw error;
  }
}

/** Opens a channel to the machine's guest, waiting while it boots. Throws {@link PlatformFault} when the machine is gone. */
export async function openChannel(layout: Layout, token: Token, keys: GuestKeys, signal: AbortSignal): Promise<GuestChannel> {
  for (;;) {
    signal.throwIfAborted();
    const machine = await findMachine(layout, token);
    if (machine?.port === undefined) throw new PlatformFault('the machine is gone');
    const socket = await dial(machine.port);
    if (socket !== undefined) return connectSsh({ host: '127.0.0.1', port: machine.port, keys, signal, socket });
    await delay(50, undefined, { signal });
  }
}

/** A connection on which the guest's SSH server has begun to speak, with nothing of that taken. */
function dial(port: number): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port });
    const limit = setTimeout(() => give(undefined), bannerMs);
    const give = (result: Socket | undefined) => {
      clearTimeout(limit);
      socket.removeAllListeners();
      if (result === undefined) socket.on('error', () => socket.destroy()).destroy();
      resolve(result);
    };
    socket.on('error', () => give(undefined)).on('close', () => give(undefined));
    socket.once('readable', () => give(socket.readableLength > 0 ? socket : undefined));
  });
}
