import { setTimeout as delay } from 'node:timers/promises';

import { PlatformFault, type GuestKeys, type Token } from '../substrate.js';
import type { Channels } from './channels.js';
import { controlSocket, machineFolder, type Layout } from './layout.js';
import { findProcesses } from './machine-process.js';
import { readConsole } from './panic.js';
import { machineStatus, quitMachine } from './qmp.js';

/** A little more than the 90 s that systemd gives a unit by itself: what stops for longer asked for it, or hangs. */
const patienceSeconds = 100;
/** The patience, as long again for systemd to end what is left, and for a slow host's disk. */
const powerOffMs = 300_000;
const quitMs = 120_000;
const quitAgainMs = 2000;

/** What the guest writes to its console before the name of each unit that has not stopped. */
const stillStopping = 'murmur-still-stopping';
const mostNamed = 5;
/** The ring of a console holds fewer. */
const mostReads = 8;

/**
 * The unit stands outside the order in which the others are stopped, and so lasts until the end. Its way is as clean as the
 * usual one, only without waiting for units: systemd ends all processes itself and unmounts the disk.
 */
const powerOffCommand = `if [ -d /run/systemd/system ]; then
  systemd-run --quiet --no-block --collect -p DefaultDependencies=no /bin/sh -c '
    sleep ${patienceSeconds}
    timeout 10 systemctl list-jobs --no-legend --plain | while read -r job unit type state; do
      if [ "$type $state" = "stop running" ]; then echo "${stillStopping} $unit" >/dev/ttyS0; fi
    done
    systemctl --force poweroff'
fi >/dev/null 2>&1 </dev/null
(sleep 0.1; poweroff) >/dev/null 2>&1 </dev/null &`;

/** The machine to stop, and how to get in to tell it. */
export interface PowerOffRequest {
  readonly machine: Token;
  readonly keys: GuestKeys;
  readonly channels: Channels;
  readonly signal: AbortSignal;
}

/**
 * Tells a machine to power off, which it may be doing already, and returns once it has. One whose units do not stop is taken
 * down without them, its disk unmounted all the same; they are named in the result.
 */
export async function powerOff(layout: Layout, request: PowerOffRequest): Promise<readonly string[]> {
  if (await hasStopped(layout, request.machine)) return [];
  const began = performance.now();
  const over = new AbortController();
  const signal = AbortSignal.any([request.signal, over.signal]);
  const stopped = untilStopped(layout, request.machine, signal).finally(() => over.abort());
  await Promise.all([stopped, tell({ ...request, signal }, over.signal)]);
  return performance.now() - began < patienceSeconds * 1000 ? [] : unstoppedUnits(layout, request.machine);
}

/** The guest chooses what it writes there: names of units, and not many. */
async function unstoppedUnits(layout: Layout, token: Token): Promise<readonly string[]> {
  let printed = '';
  for (let reads = 0, more = ' '; reads < mostReads && more !== ''; reads += 1) {
    more = await readConsole(layout, token);
    printed += more;
  }
  const named = [...printed.matchAll(new RegExp(`${stillStopping} ([\\w@:.\\\\-]{1,100})`, 'g'))].map(([, unit = '']) => unit);
  return [...new Set(named)].slice(0, mostNamed);
}

/** Ends the QEMU of a machine that has powered off, so that all of its disk is in the file. */
export async function endStopped(layout: Layout, token: Token, signal: AbortSignal): Promise<void> {
  const limit = performance.now() + quitMs;
  let askedAt = Number.NEGATIVE_INFINITY;
  while ((await findProcesses(machineFolder(layout, token))).length > 0) {
    // The first answer may be lost, and the first question too.
    if (performance.now() - askedAt > quitAgainMs) {
      await quitMachine(controlSocket(layout, token));
      askedAt = performance.now();
    }
    if (performance.now() > limit) throw new PlatformFault(`the machine's QEMU did not end within ${quitMs / 1000} s`);
    await delay(30, undefined, { signal });
  }
}

async function tell({ channels, keys, machine, signal }: PowerOffRequest, over: AbortSignal): Promise<void> {
  try {
    await using channel = await channels.open(machine, keys, signal);
    await channel.run(powerOffCommand, { signal });
  } catch (error) {
    // A machine on its way down takes no login, or is gone before the command's status came: it is seen whether it stops.
    if (!(error instanceof PlatformFault) && !over.aborted) throw error;
  }
}

async function untilStopped(layout: Layout, token: Token, signal: AbortSignal): Promise<void> {
  const limit = performance.now() + powerOffMs;
  while (!(await hasStopped(layout, token)) && (await findProcesses(machineFolder(layout, token))).length > 0) {
    if (performance.now() > limit) throw new PlatformFault(`the machine did not power off within ${powerOffMs / 1000} s`);
    await delay(50, undefined, { signal });
  }
}

async function hasStopped(layout: Layout, token: Token): Promise<boolean> {
  return (await machineStatus(controlSocket(layout, token))) === 'shutdown';
}
