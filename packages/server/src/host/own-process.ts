import { readlink } from 'node:fs/promises';

import { bootId } from './boot-id.js';
import { isGone, processStart } from './process-start.js';

/** A process, by what tells it apart from every other that its machine ran or will run. */
export interface ProcessMark {
  readonly pid: number;
  readonly start: string;
  /** Changes with every boot of the machine. */
  readonly boot: string;
  /** Process ids of another namespace, such as another container's, say nothing here. */
  readonly namespace: string;
}

/** The mark of this process. */
export async function ownProcess(): Promise<ProcessMark> {
  return { pid: process.pid, start: (await processStart(process.pid)) ?? '', boot: await bootId(), namespace: await pidNamespace() };
}

/** Whether a marked process still runs; `unknown` for one that cannot be seen from here. */
export async function standingOf(mark: ProcessMark): Promise<'alive' | 'dead' | 'unknown'> {
  const own = await ownProcess();
  if (mark.boot === '' || mark.boot !== own.boot || mark.namespace !== own.namespace) return 'unknown';
  return (await processStart(mark.pid)) === mark.start ? 'alive' : 'dead';
}

async function pidNamespace(): Promise<string> {
  try {
    return await readlink('/proc/self/ns/pid');
  } catch (error) {
    if (isGone(error)) return '';
    throw error;
  }
}
