import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { expect, test } from 'vitest';

import { processStart } from './process-start.js';
import { sweepTemporaryFiles, writeAtomically } from './durable-files.js';

test('a temporary file goes once its writer has ended, and nothing else does', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'murmur-files-'));
  try {
    const { pid: ended } = spawnSync('true');
    const id = '0b3f6a0e-5b53-4b43-9d61-1d2c7f7a9a4e';
    const ours = `note.json.${process.pid}-${await processStart(process.pid)}-${id}.tmp`;
    await writeFile(path.join(folder, ours), 'being written');
    await writeFile(path.join(folder, `note.json.${ended}-12-${id}.tmp`), 'half wri');
    await writeFile(path.join(folder, `note.json.${process.pid}-1-${id}.tmp`), 'of an earlier process with our id');
    await writeFile(path.join(folder, 'mine.tmp'), "somebody's");
    await writeAtomically(path.join(folder, 'note.json'), 'whole');

    await sweepTemporaryFiles(folder);

    expect((await readdir(folder)).toSorted()).toEqual(['mine.tmp', 'note.json', ours]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
