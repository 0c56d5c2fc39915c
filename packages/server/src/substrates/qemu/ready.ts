import { createConnection, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

import { connectSsh, type SshChannel } from '../ssh.js';
import { answeredWithin, PlatformFault, type GuestChannel, type GuestKeys, type Token } from '../substrate.js';
import { sshIsUp } from './console-mark.js';
import { bootFolder } from './initrd/access.js';
import { findMachine } from './launch.js';
import type { Layout } from './layout.js';
import { writeMachine, type MachineRecord } from './machine-record.js';
import { isPanic, kernelPanic, readConsole } from './panic.js';

const bootMs = 300_000;
const tooLate = `the machine did not finish booting within ${bootMs / 1000} s`;
const bannerMs = 10_000;
/** A script may have taken the mark out of an image's boot: after this long it is tried without. */
const unmarkedMs = 20_000;
const maxRefusals = 20;
/** Longer than any mark: the end of what was heard may be the beginning of one. */
const carried = 128;

/**
 * Ends when the guest's own boot has: at once where there is no systemd to ask. What was left out because the machine comes up
 * with its network starts from then on, when somebody asks for it.
 */
const bootFinished = `if [ -d /run/systemd/system ]; then systemctl is-system-running --wait; fi; rm -f ${bootFolder}/network-is-up; true`;

/** Reaches the guest and returns once it has finished booting. One limit binds both: a guest that is not up by then never will be. */
export async function waitForBoot(open: (limit: AbortSignal) => Promise<GuestChannel>, signal: AbortSignal): Promise<void> {
  const booted = async (limit: AbortSignal) => {
    await using channel = await open(limit);
    await channel.run(bootFinished, { signal: limit });
  };
  await answeredWithin(bootMs, signal, booted, tooLate);
}

/** Opens a channel to the machine's guest, waiting while it boots. Throws {@link PlatformFault} when the machine is gone. */
export function openChannel(layout: Layout, token: Token, keys: GuestKeys, signal: AbortSignal): Promise<SshChannel> {
  return answeredWithin(bootMs, signal, (limit) => dialUntilUp(layout, token, keys, limit), tooLate);
}

async function dialUntilUp(layout: Layout, token: Token, keys: GuestKeys, signal: AbortSignal): Promise<SshChannel> {
  for (let refusals = 0; ;) {
    const machine = await listeningMachine(layout, token, signal);
    const socket = await dial(machine.port, signal);
    try {
      if (socket !== undefined) return await connectSsh({ host: '127.0.0.1', port: machine.port, keys, signal, socket });
    } catch (error) {
      // A guest in the middle of its boot may restart its SSH server under us; one that is gone is noticed above.
      if (!(error instanceof PlatformFault) || ++refusals >= maxRefusals) throw error;
    }
    await delay(50, undefined, { signal });
  }
}

/**
 * The machine once its guest's SSH server listens, which the guest says on its console. Dialling earlier is worse than
 * useless: user-mode networking takes the connection itself and tries inside at intervals that grow by many seconds.
 */
async function listeningMachine(layout: Layout, token: Token, signal: AbortSignal): Promise<MachineRecord & { port: number }> {
  for (let heard = ''; ;) {
    signal.throwIfAborted();
    const machine = await findMachine(layout, token);
    if (machine?.port === undefined) throw new PlatformFault('the machine is gone');
    const listening = { ...machine, port: machine.port };
    if (machine.listening === true || Date.now() - machine.createdAt > unmarkedMs) return listening;
    // Asking takes it out of the ring, so whoever has heard the mark writes that down for the others.
    heard = (heard.slice(-carried) + (await readConsole(layout, token))).replaceAll('\r', '');
    if (isPanic(heard)) throw kernelPanic();
    if (heard.includes(sshIsUp)) await writeMachine(layout, { ...machine, listening: true });
    else await delay(80, undefined, { signal });
  }
}

/** A connection on which the guest's SSH server has begun to speak, with nothing of that taken. */
function dial(port: number, signal: AbortSignal): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    // One that is aborted already says so no more, and the wait for the first word would keep a process up that wants to end.
    if (signal.aborted) return resolve(undefined);
    const socket = createConnection({ host: '127.0.0.1', port });
    const limit = setTimeout(() => give(undefined), bannerMs);
    const give = (result: Socket | undefined) => {
      clearTimeout(limit);
      signal.removeEventListener('abort', giveUp);
      socket.removeAllListeners();
      // Whoever takes it over may be told to give up before they listen.
      socket.on('error', () => socket.destroy());
      if (result === undefined) socket.destroy();
      resolve(result);
    };
    const giveUp = () => give(undefined);
    signal.addEventListener('abort', giveUp);
    socket.on('error', () => give(undefined)).on('close', () => give(undefined));
    socket.once('readable', () => give(socket.readableLength > 0 ? socket : undefined));
  });
}
