import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { lockDataDir } from './data-dir-lock.js';

describe('lockDataDir', () => {
  let dataDir: string;
  let file: string;
  beforeEach(async () => {
    dataDir = await mkdtemp(path.join(tmpdir(), 'murmur-lock-'));
    file = path.join(dataDir, 'server.lock');
  });
  afterEach(() => rm(dataDir, { recursive: true }));

  /** The lock as this process wrote it, changed. */
  const leaveLock = async (change: object): Promise<void> => {
    const lock = await lockDataDir(dataDir);
    const holder: unknown = JSON.parse(await readFile(file, 'utf8'));
    await lock.release();
    await writeFile(file, JSON.stringify(Object.assign({}, holder, change)));
  };

  test('makes a private data dir', async () => {
    const lock = await lockDataDir(path.join(dataDir, 'a', 'b'));
    expect((await stat(path.join(dataDir, 'a', 'b'))).mode & 0o777).toBe(0o700);
    await lock.release();
  });

  test('a data dir that cannot be made is named', async () => {
    await writeFile(path.join(dataDir, 'file'), '');
    await expect(lockDataDir(path.join(dataDir, 'file', 'data'))).rejects.toMatchObject({
      code: 'FAILED_PRECONDITION',
      message: expect.stringMatching(/^data directory .*\/file\/data cannot be used: ENOTDIR/) as unknown,
    });
  });

  test('nor is one tried for ever where the kernel takes no folders', async () => {
    await expect(lockDataDir('/proc/nope/data')).rejects.toMatchObject({
      code: 'FAILED_PRECONDITION',
      message: expect.stringMatching(/^data directory \/proc\/nope\/data cannot be used: ENOENT/) as unknown,
    });
  });

  test('a second server is refused and told by whom', async () => {
    const lock = await lockDataDir(dataDir);
    const { since } = JSON.parse(await readFile(file, 'utf8')) as { since: string };
    await expect(lockDataDir(dataDir)).rejects.toMatchObject({
      code: 'FAILED_PRECONDITION',
      message: `data directory ${dataDir} is in use by the Murmur server with process id ${process.pid} on ${hostname()}, started ${since}`,
    });
    await lock.release();
  });

  test('released, it can be had again, and nothing stays behind', async () => {
    await (await lockDataDir(dataDir)).release();
    await (await lockDataDir(dataDir)).release();
    expect(await readdir(dataDir)).toEqual([]);
  });

  test('a lock whose process has ended is taken over', async () => {
    const child = spawn('true');
    await once(child, 'exit');
    await leaveLock({ pid: child.pid });
    await (await lockDataDir(dataDir)).release();
    expect(await readdir(dataDir)).toEqual([]);
  });

  test.each([
    ['whose process id is another process’s now', { start: '1' }],
    ['from before the machine was started anew', { boot: 'earlier' }],
  ])('a lock %s is taken over', async (_, change) => {
    await leaveLock(change);
    await (await lockDataDir(dataDir)).release();
    expect(await readdir(dataDir)).toEqual([]);
  });

  test.each(['', '{', '[]', '{"pid":"x"}'])('a torn lock file (%j) is taken over', async (content) => {
    await writeFile(file, content);
    await (await lockDataDir(dataDir)).release();
    expect(await readdir(dataDir)).toEqual([]);
  });

  test('a lock from another host is believed, with advice', async () => {
    await leaveLock({ host: 'elsewhere' });
    await expect(lockDataDir(dataDir)).rejects.toMatchObject({
      code: 'FAILED_PRECONDITION',
      hint: `Stop that server first. If elsewhere no longer exists, delete ${file}.`,
    });
  });

  test('of many servers that find a stale lock at once, one gets it', async () => {
    for (let round = 0; round < 20; round++) {
      await leaveLock({ boot: `earlier ${round}` });
      const attempts = await Promise.allSettled(Array.from({ length: 12 }, () => lockDataDir(dataDir)));
      const won = attempts.filter((attempt) => attempt.status === 'fulfilled');
      expect(won).toHaveLength(1);
      await won[0]?.value.release();
      expect(await readdir(dataDir)).toEqual([]);
    }
  });
});
