import type { Stats } from 'node:fs';
import { open, stat } from 'node:fs/promises';

import { CliError } from '../failure.js';

/**
 * The text of a file that decides where credentials go or holds one; undefined when there is none. One that another user
 * owns or may write is refused: whoever can change it would choose the server, or be spoken for. What this user may not
 * read is a failure too, unless it is to be skipped.
 */
export async function readOwnFile(file: string, closed?: 'skip what is closed'): Promise<string | undefined> {
  try {
    const handle = await open(file, 'r');
    try {
      // Of what is open, and not of whatever has the name a moment later.
      requireOwn(file, await handle.stat());
      return await handle.readFile('utf8');
    } finally {
      await handle.close();
    }
  } catch (cause) {
    if (hasCode(cause, 'ENOENT') || hasCode(cause, 'ENOTDIR')) return undefined;
    if (closed !== undefined && hasCode(cause, 'EACCES')) return undefined;
    if (cause instanceof CliError) throw cause;
    throw new CliError('FAILED_PRECONDITION', `cannot read ${file}`, { cause });
  }
}

/** Refuses a folder in which somebody else could put another file in the place of ours. One that is not there will be made. */
export async function requireOwnFolder(folder: string): Promise<void> {
  try {
    requireOwn(folder, await stat(folder));
  } catch (cause) {
    if (!hasCode(cause, 'ENOENT')) throw cause;
  }
}

function requireOwn(path: string, { uid, mode }: Stats): void {
  const self = process.getuid?.();
  // The superuser could do anything anyway, and owns what a container is given.
  if (self !== undefined && uid !== self && uid !== 0) {
    throw new CliError('FAILED_PRECONDITION', `${path} belongs to another user`, {
      hint: 'It could send your credentials anywhere. Remove it, work elsewhere, or make it yours.',
    });
  }
  if ((mode & 0o022) !== 0) {
    throw new CliError('FAILED_PRECONDITION', `${path} can be written by others`, { hint: `Close it to them with: chmod go-w ${path}` });
  }
}

function hasCode(thrown: unknown, code: string): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === code;
}
