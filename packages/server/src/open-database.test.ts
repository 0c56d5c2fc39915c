import { randomBytes } from 'node:crypto';

import { pino } from 'pino';
import { afterEach, expect, inject, test } from 'vitest';

import { openTestProxy } from './database/testing-proxy.js';
import { administer, databaseUrl } from './database/testing.js';
import { type Closers, closeAll, openDatabase } from './open-database.js';

const log = pino({ level: 'silent' });

let closers: Closers = [];
afterEach(async () => {
  await closeAll(closers, log);
  closers = [];
});

async function emptyDatabase(): Promise<string> {
  const name = `empty_${randomBytes(8).toString('hex')}`;
  await administer(inject('postgresUrl'), `create database ${name}`);
  closers.push(() => administer(inject('postgresUrl'), `drop database ${name} with (force)`));
  return databaseUrl(inject('postgresUrl'), name);
}

test('servers that start together on an empty database all start', async () => {
  const url = await emptyDatabase();
  const opened = await Promise.allSettled(Array.from({ length: 4 }, () => openDatabase(url, log, closers)));
  expect(opened.map(({ status }) => status)).toEqual(Array.from({ length: 4 }, () => 'fulfilled'));
});

test('a start that waits for a database that hangs is given up when the server is to stop', async () => {
  const url = await emptyDatabase();
  const proxy = await openTestProxy(url);
  closers.push(async () => proxy[Symbol.asyncDispose]());
  proxy.hang();
  const stopping = new AbortController();
  stopping.abort();
  await expect(openDatabase(proxy.url, log, closers, stopping.signal)).rejects.toMatchObject({ code: 'FAILED_PRECONDITION' });
});
