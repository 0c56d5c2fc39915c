import { readFile } from 'node:fs/promises';

import { isGone } from './process-start.js';

/**
 * Names the time since this machine last started: what was only in memory is gone when it is another one. Empty where the
 * kernel does not say.
 */
export async function bootId(): Promise<string> {
  try {
    return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
  } catch (error) {
    if (isGone(error)) return '';
    throw error;
  }
}
