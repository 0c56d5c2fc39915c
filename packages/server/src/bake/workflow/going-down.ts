import { EndedByGuest, PlatformFault } from '../../substrates/substrate.js';
import type { GuestSession } from './guest-session.js';

const limitMs = 90_000;

/** Lasts while the guest may be on its way down: it says so where systemd runs, and elsewhere it is off within seconds. */
const lastWhileGoingDown = `n=0
while [ "$n" -lt 5 ] || { [ "$n" -lt 60 ] && [ "$(systemctl is-system-running 2>/dev/null)" = stopping ]; }; do
  sleep 1
  n=$((n + 1))
done`;

/**
 * To be asked about what ended against its will. A guest that powers off ends its processes first, and only then is seen to be
 * off: throws {@link EndedByGuest} if that is what happens, and returns when the machine stays up or is lost in another way.
 */
export async function assertNotGoingDown(session: GuestSession): Promise<void> {
  try {
    await session.use(limitMs, (channel, signal) => channel.run(lastWhileGoingDown, { signal }));
  } catch (error) {
    if (error instanceof EndedByGuest || !(error instanceof PlatformFault)) throw error;
  }
}

/** Whether this is the exit code of something that a signal ended. */
export function endedBySignal(exitCode: number): boolean {
  return exitCode > 128;
}
