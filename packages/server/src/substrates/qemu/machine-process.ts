import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { isGone, processStart } from '../../host/process-start.js';
import { PlatformFault } from '../substrate.js';

const endMs = 60_000;

/** A running process, by what tells it apart from a later one of the same id. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly start: string;
}

/** The argument pair that only a machine's QEMU and its watchdog carry; it names the machine's folder in full. */
export function processMark(folder: string): readonly [string, string] {
  return ['-pidfile', path.join(folder, 'qemu.pid')];
}

/** The QEMU process of the machine in this folder with everything that watches over it; the QEMU process is last. */
export async function findProcesses(folder: string): Promise<readonly ProcessIdentity[]> {
  const [flag, file] = processMark(folder);
  const found: (ProcessIdentity & { qemu: boolean })[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const pid = Number(name);
    const start = await processStart(pid);
    const argv = await commandLine(pid);
    const at = argv.indexOf(file);
    if (start === undefined || at < 1 || argv[at - 1] !== flag) continue;
    found.push({ pid, start, qemu: path.basename(argv[0] ?? '').startsWith('qemu-system-') });
  }
  return found.sort((a, b) => Number(a.qemu) - Number(b.qemu)).map(({ pid, start }) => ({ pid, start }));
}

/** The QEMU process of the machine in this folder. */
export async function findQemu(folder: string): Promise<ProcessIdentity | undefined> {
  for (const { pid, start } of await findProcesses(folder)) {
    const [program] = await commandLine(pid);
    if (program !== undefined && path.basename(program).startsWith('qemu-system-')) return { pid, start };
  }
  return undefined;
}

/** Whether this very process still runs. */
export async function isRunning(process: ProcessIdentity): Promise<boolean> {
  return (await processStart(process.pid)) === process.start;
}

/** Kills a machine's processes and returns when none is left. One that its host's disk holds fast is a {@link PlatformFault}. */
export async function killProcesses(folder: string): Promise<void> {
  for (const limit = Date.now() + endMs; ;) {
    const found = await findProcesses(folder);
    if (found.length === 0) return;
    if (Date.now() > limit) throw new PlatformFault(`a machine's process did not end within ${endMs / 1000} s`);
    for (const one of found) if (await isRunning(one)) kill(one.pid);
    await delay(20);
  }
}

async function commandLine(pid: number): Promise<readonly string[]> {
  try {
    return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0');
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}
