import { randomUUID } from 'node:crypto';
import { open, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';

import { processStart } from './process-start.js';

/** The end of a temporary file's name: the process that writes it, by id and start. */
const temporaryEnd = /\.(\d+)-(\d*)-[0-9a-f-]{36}\.tmp$/;

/**
 * Writes a file so that a reader, or a server after a crash or a power cut, sees the old content or the new and nothing
 * between; once this returns, the new.
 */
export async function writeAtomically(file: string, content: string): Promise<void> {
  const temporary = `${file}.${process.pid}-${await processStart(process.pid)}-${randomUUID()}.tmp`;
  try {
    const handle = await open(temporary, 'wx', 0o600);
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await moveDurably(temporary, file);
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Gives a file or folder another name, which a power cut does not take back once this returns. */
export async function moveDurably(from: string, to: string): Promise<void> {
  await rename(from, to);
  await syncPath(path.dirname(to));
  if (path.dirname(from) !== path.dirname(to)) await syncPath(path.dirname(from));
}

/** Removes from this folder the temporary files of processes that ended before they could. */
export async function sweepTemporaryFiles(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const [end, pid, start] = temporaryEnd.exec(name) ?? [];
    if (end === undefined || (await processStart(Number(pid))) === start) continue;
    await rm(path.join(folder, name), { force: true });
  }
}

/** Makes sure that a file's content, or the names in a folder, are on the disk, whatever was told to whoever wrote them. */
export async function syncPath(file: string): Promise<void> {
  const handle = await open(file, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
