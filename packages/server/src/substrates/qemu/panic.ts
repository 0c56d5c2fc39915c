import { PlatformFault, type Token } from '../substrate.js';
import { controlSocket, type Layout } from './layout.js';
import { readMachine, writeMachine } from './machine-record.js';
import { QmpError, takeConsole } from './qmp.js';

/** Printed by Linux whatever else it is told to print. */
const lastWords = 'Kernel panic - not syncing';
/** The ring of a console holds fewer. */
const mostReads = 8;

/** A panicked kernel restarts at once, so that QEMU tells of it as of any restart. */
export const panicAtOnce = 'panic=-1';

/** The fault of a machine whose kernel panicked. */
export function kernelPanic(): PlatformFault {
  return new PlatformFault("the machine's kernel panicked");
}

/** Whether this is text from a console on which a kernel panicked. */
export function isPanic(printed: string): boolean {
  return printed.includes(lastWords);
}

/** Whether it was a panic that ended this machine, by what its console says. */
export async function hasPanicked(layout: Layout, token: Token): Promise<boolean> {
  const record = await readMachine(layout, token);
  if (record?.panicked === true) return true;
  let printed = '';
  for (let reads = 0; reads < mostReads && !isPanic(printed); reads += 1) {
    const more = await readConsole(layout, token);
    if (more === '') return false;
    printed = printed.slice(-lastWords.length) + more;
  }
  if (!isPanic(printed)) return false;
  // Asking took it out of the ring, and whoever asks next should hear it too.
  if (record !== undefined) await writeMachine(layout, { ...record, panicked: true });
  return true;
}

/** What the guest has printed since this was asked the last time. */
export async function readConsole(layout: Layout, token: Token): Promise<string> {
  try {
    return await takeConsole(controlSocket(layout, token));
  } catch (error) {
    // A machine that has ended is noticed by its process.
    if (error instanceof QmpError) return '';
    throw error;
  }
}
