import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectSocket, createServer, type AddressInfo } from 'node:net';

import { afterAll, beforeAll, expect, inject, test } from 'vitest';

import { isDatabaseOutage } from './outage.js';
import { connect } from './pool.js';
import { administer, testDatabase, type TestDatabase } from './testing.js';

let db: TestDatabase;
beforeAll(async () => {
  db = await testDatabase();
});
afterAll(() => db.close());

/** What a query over a connection of ours ends with. */
async function errorOf(url: string, text = 'select 1'): Promise<unknown> {
  const connection = connect(url, { limits: { connectMs: 5000, statementMs: 200 } });
  try {
    return await connection.pool.query(text).then(
      () => undefined,
      (error: unknown) => error,
    );
  } finally {
    await connection.close();
  }
}

const raise = (code: string) => `do $$ begin raise exception 'no' using errcode = '${code}'; end $$`;

test.each([
  ['a server that restarts', raise('57P01')],
  ['a disk that is full', raise('53100')],
  ['a statement that took too long', 'select pg_sleep(10)'],
  ['a server that only reads since a fail-over', 'set transaction read only; create table t ()'],
  ['a deadlock', raise('40P01')],
  ['an error of its disk', raise('58030')],
])('%s is an outage', async (_, text) => {
  expect(isDatabaseOutage(await errorOf(db.url, text))).toBe(true);
});

test.each([
  ['syntax', 'selec 1'],
  ['a value that is there already', `insert into tenants (id) values ('local/x'), ('local/x')`],
  ['a number that is none', `select 'x'::integer`],
  ['a number that does not fit', 'select 9007199254740993::bigint'],
  ['a refusal of the database’s own', raise('P0001')],
])('%s is no outage', async (_, text) => {
  const error = await errorOf(db.url, text);
  expect(error).toBeInstanceOf(Error);
  expect(isDatabaseOutage(error)).toBe(false);
});

test.each([
  ['a name that nobody knows', 'postgresql://murmur@murmur.invalid/murmur'],
  ['a port that nobody listens on', 'postgresql://murmur@127.0.0.1:1/murmur'],
  ['a network without a route', 'postgresql://murmur@240.0.0.1/murmur'],
  ['a socket that is not there', 'postgresql://murmur@localhost/murmur?host=/nowhere'],
  ['a database that is being restored', () => db.url.replace(/\/test_[0-9a-f]+/, '/not-there-yet')],
])('%s is an outage', async (_, url) => {
  expect(isDatabaseOutage(await errorOf(typeof url === 'string' ? url : url()))).toBe(true);
});

test('a server whose connections are all taken is away for now', async () => {
  const url = inject('postgresUrl');
  const role = `crowded_${randomBytes(4).toString('hex')}`;
  await administer(url, `create role ${role} login connection limit 0`);
  const refused = await errorOf(Object.assign(new URL(url), { username: role }).href);
  await administer(url, `drop role ${role}`);
  expect(refused).toMatchObject({ code: '53300' });
  expect(isDatabaseOutage(refused)).toBe(true);
});

test("a cloud's connection that breaks is no outage of the database", async () => {
  const cloud = createServer((socket) => void socket.resetAndDestroy()).listen(0, '127.0.0.1');
  await once(cloud, 'listening');
  const [error] = (await once(connectSocket((cloud.address() as AddressInfo).port, '127.0.0.1'), 'error')) as [Error];
  cloud.close();
  expect(error).toMatchObject({ code: 'ECONNRESET' });
  expect(isDatabaseOutage(error)).toBe(false);
});

test('an outage counts wherever it stands among the causes', async () => {
  const outage = await errorOf('postgresql://murmur@127.0.0.1:1/murmur');
  const wrapped = new Error('could not start', { cause: new AggregateError([new Error('one'), outage]) });
  expect(isDatabaseOutage(wrapped)).toBe(true);
  const turning = new Error('turns in circles');
  turning.cause = turning;
  expect(isDatabaseOutage(turning)).toBe(false);
});
