import { readFile } from 'node:fs/promises';

/** Names the time since this machine last started: what was only in memory is gone when it is another one. */
export async function bootId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
}
