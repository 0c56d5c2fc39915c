import { readFile, writeFile } from 'node:fs/promises';

/** A process's resident memory in MiB, now and at its most since {@link forgetPeak}. */
export interface Resident {
  readonly now: number;
  readonly peak: number;
}

/** Reads what Linux says of a process. */
export async function resident(pid: number): Promise<Resident> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const mebibytes = (field: string): number => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? Number.NaN) / 1024;
  return { now: mebibytes('VmRSS'), peak: mebibytes('VmHWM') };
}

/** Makes the peak of a process start again from what it holds now. */
export async function forgetPeak(pid: number): Promise<void> {
  await writeFile(`/proc/${pid}/clear_refs`, '5');
}
