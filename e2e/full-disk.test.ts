import { execFileSync, spawn } from 'node:child_process';
import { mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';

import { afterAll, beforeAll, expect, it } from 'vitest';

import { murmurOk } from './harness/cli.js';
import { eventually } from './harness/wait.js';
import { murmurBinary } from './harness/server.js';

const mebibyte = 1024 * 1024;
let folder: string;
let mounted = false;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'murmur-full-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=320m', 'tmpfs', folder], { stdio: 'ignore' });
    mounted = true;
  } catch {
    // Only root may, and not in every container.
  }
});
afterAll(async () => {
  if (mounted) execFileSync('umount', ['--lazy', folder]);
  await rm(folder, { recursive: true, force: true });
});

/** Runs a server on the small disk while `use` uses it. */
async function serving(dataDir: string, use: (server: { dataDir: string; url: string; apiKey: string }) => Promise<void>): Promise<void> {
  const child = spawn(process.execPath, [murmurBinary, 'server', '--listen', '127.0.0.1:0', '--data-dir', dataDir]);
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const log = text(child.stderr);
  try {
    const line = new Promise<string>((resolve) => createInterface({ input: child.stdout }).once('line', resolve));
    const ready = await Promise.race([line, ended.then(async (code) => `ended with ${String(code)}: ${await log}`)]);
    expect(ready).toMatch(/^murmur server listening on /);
    const apiKey = (await readFile(join(dataDir, 'admin.key'), 'utf8')).trim();
    await use({ dataDir, url: ready.split(' ').at(-1) ?? '', apiKey });
  } finally {
    child.kill('SIGTERM');
    await ended;
  }
}

async function fill(file: string): Promise<void> {
  const handle = await open(file, 'w');
  try {
    for (const size of [mebibyte, 4096]) {
      const block = Buffer.alloc(size);
      for (;;) if ((await handle.write(block)).bytesWritten < size) break;
    }
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || error.code !== 'ENOSPC') throw error;
  } finally {
    await handle.close();
  }
}

it('a server starts on a full disk, cleans up, and takes changes', { timeout: 120_000 }, async (context) => {
  if (!mounted) return context.skip('a file system cannot be mounted here');
  const dataDir = join(folder, 'data');
  await serving(dataDir, async () => {
    await eventually('the reserve', async () => (await readdir(dataDir)).find((name) => name === 'reserve'));
  });
  await writeFile(join(dataDir, 'exports', 'left.qcow2'), Buffer.alloc(8 * mebibyte));
  await fill(join(folder, 'filler'));
  await expect(writeFile(join(folder, 'more'), Buffer.alloc(4096))).rejects.toMatchObject({ code: 'ENOSPC' });

  await serving(dataDir, async (server) => {
    expect(await readdir(join(dataDir, 'exports'))).toEqual([]);
    await murmurOk(server, ['tenant', 'create', 'local/later', '--admin', 'ana']);
    expect(await murmurOk(server, ['tenant', 'ls'])).toContain('local/later');
  });
});
