import { rm } from 'node:fs/promises';

import { processStart } from '../../host/process-start.js';
import { writeAtomically } from '../../host/durable-files.js';
import { readIfPresent } from './files.js';

/** Notes beside the folder of an image being made who makes it, until disposed. */
export async function markBuilder(folder: string): Promise<AsyncDisposable> {
  const file = markOf(folder);
  await writeAtomically(file, JSON.stringify({ pid: process.pid, start: await processStart(process.pid) }));
  return { [Symbol.asyncDispose]: () => rm(file, { force: true }) };
}

/** Whether a process that still runs is making an image in this folder. */
export async function isBeingBuilt(folder: string): Promise<boolean> {
  const text = await readIfPresent(markOf(folder));
  if (text === undefined) return false;
  const { pid, start } = JSON.parse(text) as { pid: number; start: string };
  return (await processStart(pid)) === start;
}

function markOf(folder: string): string {
  return `${folder}.builder`;
}
