import { setTimeout as delay } from 'node:timers/promises';

import { PlatformFault } from '../../substrates/substrate.js';
import { remark } from '../runs/logs.js';
import type { StepContext } from './step.js';

/** Long enough for an operator, or the reaper, to make room; shorter than what a machine lives beyond its script. */
const usualMs = 10 * 60_000;
const pauseMs = 2000;

/** Waits until the host's disk has room for what a step is about to write there. A disk that stays full is a fault of the platform. */
export async function waitForDisk(
  {
    database,
    lease,
    log,
    note,
    room,
    signal,
    substrate,
  }: Pick<StepContext, 'database' | 'lease' | 'log' | 'note' | 'room' | 'signal' | 'substrate'>,
  mostMs: number = usualMs,
): Promise<void> {
  if (!substrate.local) return;
  const until = performance.now() + mostMs;
  let told = false;
  try {
    for (;;) {
      const shortage = await room.disk.shortage();
      if (shortage === undefined) return;
      if (!told) {
        log.warn({ shortage }, 'a bake waits for disk space');
        await remark(database, lease, "the disk of the server's host is full; the bake goes on once there is space");
        note("space on the disk of the server's host");
        told = true;
      }
      if (performance.now() > until) throw new PlatformFault("the disk of the server's host stayed full", { kind: 'no-room' });
      await delay(pauseMs, undefined, { signal });
    }
  } finally {
    note(undefined);
  }
}
