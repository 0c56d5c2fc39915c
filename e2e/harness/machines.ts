import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** A process of this host and its arguments. */
export interface HostProcess {
  readonly pid: number;
  readonly args: readonly string[];
}

/** The processes that name a folder in their arguments: the machines, watchdogs and databases of one server. */
export async function processesNaming(folder: string): Promise<readonly HostProcess[]> {
  const found: HostProcess[] = [];
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const args = await argumentsOf(Number(entry));
    if (args.some((arg) => arg.includes(folder))) found.push({ pid: Number(entry), args });
  }
  return found;
}

/** The QEMU processes of one server. */
export async function machinesOf(dataDir: string): Promise<readonly HostProcess[]> {
  const all = await processesNaming(dataDir);
  return all.filter(({ args }) => args[0]?.includes('qemu-system') === true);
}

/** The folders of scratch machines that a server keeps. */
export async function machineFolders(dataDir: string): Promise<readonly string[]> {
  try {
    return await readdir(join(dataDir, 'machines'));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}

async function argumentsOf(pid: number): Promise<readonly string[]> {
  try {
    return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0');
  } catch (error) {
    // It ended while we looked.
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH')) return [];
    throw error;
  }
}
