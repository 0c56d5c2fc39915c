import { availableParallelism, totalmem } from 'node:os';

/** Memory and processors, of a host or of what machines may take of it. */
export interface Capacity {
  readonly memoryMb: number;
  readonly vcpus: number;
}

const bytesPerMb = 1024 * 1024;

/** What this host has; in a container with a memory limit, what that allows. */
export function hostCapacity(): Capacity {
  const total = totalmem();
  // Where there is no limit, this is none or a number beyond any memory.
  const allowed = process.constrainedMemory();
  const bytes = allowed !== undefined && allowed > 0 && allowed < total ? allowed : total;
  return { memoryMb: Math.floor(bytes / bytesPerMb), vcpus: availableParallelism() };
}
