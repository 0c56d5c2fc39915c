import { statfs } from 'node:fs/promises';
import { createConnection, type Socket } from 'node:net';

import type { Logger } from 'pino';

import { EndedByGuest, PlatformFault, type Token } from '../substrate.js';
import { eventSocket, machineFolder, type Layout } from './layout.js';
import { hasPanicked, kernelPanic } from './panic.js';
import { onMessages, type MachineStatus, type QmpMessage } from './qmp.js';

const againMs = 1000;
/** A paused machine goes on once its host has this much room. */
const roomBytes = 16 * 1024 * 1024;
/** Paused again this often although there was room, its disk is not full but broken. */
const mostResumes = 5;
/** Pauses further apart than this have nothing to do with each other. */
const sameTroubleMs = 30_000;

/** Looks after a machine while somebody waits for it. Dispose of it when nobody does. */
export interface MachineWatch extends Disposable {
  /** Aborted, with the {@link PlatformFault} as its reason, once the machine will not answer any more. */
  readonly signal: AbortSignal;
  /** Why the machine stands still, while it does and may go on. */
  readonly standstill: PlatformFault | undefined;
}

/**
 * Follows what QEMU says of the machine of this token. QEMU pauses a machine whose disk it cannot write; the machine goes on
 * here as soon as the host has room again.
 */
export function watchMachine(layout: Layout, token: Token, log: Logger): MachineWatch {
  const ended = new AbortController();
  let standstill: PlatformFault | undefined;
  let socket: Socket | undefined;
  let timer: NodeJS.Timeout | undefined;
  let resumes = 0;
  let resumedAt = 0;
  let ending = false;
  let disposed = false;

  const later = (task: () => void) => {
    clearTimeout(timer);
    if (!disposed && !ended.signal.aborted) timer = setTimeout(task, againMs).unref();
  };
  const send = (...commands: readonly string[]) =>
    socket?.write(
      commands.map((execute) => `${JSON.stringify({ execute, ...(execute === 'query-status' ? { id: execute } : {}) })}\n`).join(''),
    );
  const end = (fault: PlatformFault) => {
    ended.abort(fault);
    close();
  };
  const close = () => {
    clearTimeout(timer);
    socket?.destroy();
  };

  const connect = () => {
    const opened = createConnection(eventSocket(layout, token));
    socket = opened;
    opened.unref();
    onMessages(opened, hear);
    // A machine that is gone is noticed by its process; the socket may be back, too.
    opened.on('error', (error) => log.trace({ err: error, token }, 'a machine cannot be watched')).on('close', () => later(connect));
  };

  const hear = (message: QmpMessage) => {
    if (message.QMP !== undefined) send('qmp_capabilities', 'query-status');
    if (message.event === 'SHUTDOWN' && message.data?.guest === true) void tellEnd(message.data.reason);
    if (message.event === 'STOP') send('query-status');
    if (message.event === 'RESUME') standstill = undefined;
    if (message.id === 'query-status' && message.return !== undefined) see((message.return as { status: MachineStatus }).status);
  };

  const see = (status: MachineStatus) => {
    if (status === 'shutdown') void tellEnd();
    else if (status === 'internal-error') end(new PlatformFault('the machine broke down'));
    else if (status === 'io-error') later(() => void resume());
    if (status !== 'io-error') standstill = undefined;
  };

  const tellEnd = async (reason?: string) => {
    // The event comes first and says the most; its console can be read once.
    if (ending) return;
    ending = true;
    try {
      end((await hasPanicked(layout, token)) ? kernelPanic() : new EndedByGuest(deeds[reason ?? ''] ?? 'off or restart'));
    } catch (error) {
      end(new PlatformFault('the machine has ended', { cause: error }));
    }
  };

  const resume = async () => {
    const free = await freeBytes(machineFolder(layout, token));
    if (disposed || ended.signal.aborted) return;
    if (Date.now() - resumedAt > sameTroubleMs) resumes = 0;
    if (free === undefined || resumes === mostResumes) return end(new PlatformFault(brokenDisk));
    if (free < roomBytes) {
      if (standstill === undefined) log.warn({ token, free }, 'a machine stands still until there is room on the disk');
      standstill = new PlatformFault(noRoom, { kind: 'no-room' });
      return later(() => void resume());
    }
    resumes += 1;
    resumedAt = Date.now();
    send('cont', 'query-status');
  };

  connect();
  return {
    signal: ended.signal,
    get standstill() {
      return standstill;
    },
    [Symbol.dispose]() {
      disposed = true;
      close();
    },
  };
}

/** A guest's own end, as QEMU calls it. */
const deeds: Readonly<Record<string, 'off' | 'restart'>> = { 'guest-shutdown': 'off', 'guest-reset': 'restart' };

const noRoom = "the server's host has no room left on its disk";
const brokenDisk = "the server's host could not read or write the machine's disk";

async function freeBytes(folder: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined;
    throw error;
  }
}
