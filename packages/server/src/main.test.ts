import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { isMurmurError } from '@murmur/api';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { runServer, type ServerOptions } from './main.js';

/** Whole servers are started by the tests of the real program; these are the ways in which one does not start. */
describe('runServer', () => {
  let dataDir: string;
  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'murmur-main-'));
    vi.stubEnv('MURMUR_LOG_LEVEL', 'silent');
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await rm(dataDir, { recursive: true });
  });

  const failure = async (options: Partial<ServerOptions>): Promise<string> => {
    const written: string[] = [];
    const stdout = { write: (text: string) => written.push(text) };
    try {
      await runServer({ listen: '127.0.0.1:0', dataDir, signal: new AbortController().signal, stdout, ...options });
    } catch (error) {
      expect(written).toEqual([]);
      if (isMurmurError(error)) return `${error.code}: ${error.message} ${String(error.hint)}`;
      throw error;
    }
    throw new Error('it started');
  };

  test.each([
    ['postgres://ana:sesame@127.0.0.1:1/murmur', 'FAILED_PRECONDITION: cannot use the database: connect ECONNREFUSED 127.0.0.1:1'],
    ['postgres://ana:sesame@localhost:99999/murmur', 'FAILED_PRECONDITION: cannot use the database: Invalid URL'],
    ['mysql://ana:sesame@db/murmur', 'INVALID_ARGUMENT: --database-url is not a PostgreSQL URL'],
    ['', 'INVALID_ARGUMENT: --database-url is not a PostgreSQL URL'],
  ])('a database it cannot use (%s) is named without its password, and nothing stays behind', async (databaseUrl, expected) => {
    const message = await failure({ databaseUrl });
    expect(message).toContain(expected);
    expect(message).not.toContain('sesame');
    expect(await readdir(dataDir)).toEqual([]);
  });

  test('a log level that is none is refused', async () => {
    vi.stubEnv('MURMUR_LOG_LEVEL', 'loud');
    expect(await failure({})).toContain('INVALID_ARGUMENT: MURMUR_LOG_LEVEL "loud" is not a level');
  });
});
