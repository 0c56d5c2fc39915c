import { chmod, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { MurmurError } from '@murmur/api';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { openEnvKey, openKeyFile } from './key-provider.js';

describe('openKeyFile', () => {
  let folder: string;
  let file: string;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'murmur-key-'));
    file = path.join(folder, 'master.key');
  });
  afterEach(() => rm(folder, { recursive: true }));

  test('makes a key that only its owner can read, and opens the same one later', async () => {
    const first = await openKeyFile(file);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readFile(file)).toHaveLength(32);
    const wrapped = await first.wrap(Buffer.from('inner'), 'place');
    const second = await openKeyFile(file);
    expect((await second.unwrap(first.id, wrapped, 'place')).toString()).toBe('inner');
  });

  test('servers that start at once get one key and leave no drafts', async () => {
    const providers = await Promise.all(Array.from({ length: 8 }, () => openKeyFile(file)));
    expect(new Set(providers.map((provider) => provider.id)).size).toBe(1);
    expect(await readdir(folder)).toEqual(['master.key']);
  });

  test.each([0o640, 0o604, 0o660, 0o620])('a file with mode %o is refused', async (mode) => {
    await openKeyFile(file);
    await chmod(file, mode);
    await expect(openKeyFile(file)).rejects.toMatchObject({
      code: 'FAILED_PRECONDITION',
      message: `${file} is open to others (mode 0${mode.toString(8)})`,
    });
  });

  test.each([0, 31, 33])('a file of %i bytes is refused and left as it is', async (length) => {
    await writeFile(file, Buffer.alloc(length, 7), { mode: 0o600 });
    await expect(openKeyFile(file)).rejects.toMatchObject({
      code: 'FAILED_PRECONDITION',
      message: `${file} is not a master key: it has ${length} bytes instead of 32`,
    });
    expect(await readFile(file)).toEqual(Buffer.alloc(length, 7));
  });

  test('a key that another master key has wrapped is refused by name', async () => {
    const first = await openKeyFile(file);
    const other = await openKeyFile(path.join(folder, 'other.key'));
    const wrapped = await first.wrap(Buffer.from('inner'), 'place');
    await expect(other.unwrap(first.id, wrapped, 'place')).rejects.toMatchObject({
      code: 'FAILED_PRECONDITION',
      message: `this database was encrypted with master key ${first.id}, and ${path.join(folder, 'other.key')} holds ${other.id}`,
    });
  });
});

describe('openEnvKey', () => {
  const key = Buffer.from(Array.from({ length: 32 }, (_, at) => at * 8 + 3));

  test.each([
    ['base64', key.toString('base64')],
    ['base64 without padding', key.toString('base64').replace('=', '')],
    ['URL-safe base64', key.toString('base64url')],
    ['hex', key.toString('hex')],
    ['upper-case hex with a line end', `${key.toString('hex').toUpperCase()}\n`],
  ])('takes 32 bytes in %s', async (_, value) => {
    const wrapped = await openEnvKey('MASTER', key.toString('hex')).wrap(Buffer.from('inner'), 'place');
    const provider = openEnvKey('MASTER', value);
    expect((await provider.unwrap(provider.id, wrapped, 'place')).toString()).toBe('inner');
  });

  test.each([undefined, '', ' \n'])('refuses %j, which is nothing', (value) => {
    expect(() => openEnvKey('MASTER', value)).toThrow('$MASTER is to hold the master key and is not set');
  });

  test.each([
    'swordfish-swordfish',
    Buffer.alloc(31, 0xab).toString('hex'),
    Buffer.alloc(33, 0xab).toString('base64'),
    `${Buffer.alloc(32, 0xab).toString('base64').slice(0, 42)}/`,
    `${'zz'.repeat(32)}`,
  ])('refuses %j without repeating it', (value) => {
    const { hint, message } = refusalOf(() => openEnvKey('MASTER', value));
    expect(message).toBe('$MASTER is not a master key: it must be 32 bytes in base64 or hex');
    expect(`${message} ${String(hint)}`).not.toContain(value);
  });
});

function refusalOf(work: () => unknown): MurmurError {
  try {
    work();
  } catch (error) {
    if (error instanceof MurmurError) return error;
    throw error;
  }
  throw new Error('it was taken');
}
