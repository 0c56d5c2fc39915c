import { access } from 'node:fs/promises';
import path from 'node:path';

import { MurmurError } from '@murmur/api';

import { isGone } from '../host/process-start.js';

const folders = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** Throws FAILED_PRECONDITION with what to install unless all of these programs are there, each given with its Debian package. */
export async function requirePrograms(packages: Readonly<Record<string, string>>): Promise<void> {
  const missing: string[] = [];
  for (const [program, name] of Object.entries(packages)) if (!(await isInstalled(program))) missing.push(name);
  if (missing.length === 0) return;
  throw new MurmurError('FAILED_PRECONDITION', `the server's host lacks ${missing.join(', ')}`, {
    hint: `Run: apt-get install ${missing.join(' ')}`,
  });
}

async function isInstalled(program: string): Promise<boolean> {
  for (const folder of folders) {
    try {
      await access(path.join(folder, program));
      return true;
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }
  return false;
}
