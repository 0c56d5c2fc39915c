import { createHash } from 'node:crypto';
import { chmod, lstat, mkdir, realpath } from 'node:fs/promises';
import path from 'node:path';

import { MurmurError } from '@murmur/api';

import { isThere } from './process-start.js';

/**
 * Makes and returns the folder for this data dir's sockets: `<runtime>/murmur/<8 hex of the data dir's SHA-256>`, mode 0700.
 * It is short on purpose, because the path of a Unix socket must stay below 108 bytes wherever the data lies.
 *
 * `<runtime>` is `/run` for root and `$XDG_RUNTIME_DIR` for others; where that cannot be used, `/tmp/murmur-<uid>` takes its place.
 */
export async function openRuntimeDir(dataDir: string): Promise<string> {
  const name = createHash('sha256')
    .update(await realpath(dataDir))
    .digest('hex')
    .slice(0, 8);
  const uid = process.getuid?.() ?? 0;
  const runtime = uid === 0 ? '/run' : process.env['XDG_RUNTIME_DIR'];
  if (runtime !== undefined && runtime !== '' && runtime.length < 64) {
    const preferred = await tryOpen(path.join(runtime, 'murmur'), name, uid);
    if (preferred !== undefined) return preferred;
  }
  const fallback = await tryOpen(`/tmp/murmur-${uid}`, name, uid);
  if (fallback !== undefined) return fallback;
  throw new MurmurError('FAILED_PRECONDITION', `no folder for sockets: /tmp/murmur-${uid} belongs to somebody else or cannot be made`, {
    hint: 'Set XDG_RUNTIME_DIR to a folder of yours with a short path.',
  });
}

/**
 * Makes a folder that {@link openRuntimeDir} gave again, in case somebody has removed it since. Throws FAILED_PRECONDITION when
 * another account has taken its place.
 */
export async function remakeRuntimeDir(folder: string): Promise<void> {
  if (await isThere(folder)) return;
  if ((await tryOpen(path.dirname(folder), path.basename(folder), process.getuid?.() ?? 0)) !== undefined) return;
  throw new MurmurError('FAILED_PRECONDITION', `the folder for sockets, ${folder}, belongs to somebody else or cannot be made`);
}

async function tryOpen(parent: string, name: string, uid: number): Promise<string | undefined> {
  const folder = path.join(parent, name);
  try {
    // Others may pass through the parent, so that a second account can reach a folder of its own in it.
    await mkdir(parent, { recursive: true, mode: 0o711 });
    if (!(await isOurs(parent, uid))) return undefined;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    if (!(await isOurs(folder, uid))) return undefined;
    await chmod(folder, 0o700);
    return folder;
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined;
    throw error;
  }
}

/** In a folder that everybody can write, somebody else may have made ours first, or put a link in its place. */
async function isOurs(folder: string, uid: number): Promise<boolean> {
  const entry = await lstat(folder);
  return entry.isDirectory() && entry.uid === uid && (entry.mode & 0o022) === 0;
}
