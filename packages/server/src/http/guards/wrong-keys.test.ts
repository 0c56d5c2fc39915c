import { setTimeout as delay } from 'node:timers/promises';

import { MurmurError } from '@murmur/api';
import { pino } from 'pino';
import { expect, test } from 'vitest';

import { type KeyWatch, watchKeys } from './wrong-keys.js';

const log = pino({ level: 'silent' });
/** A wait that does not end within a test. */
const forEver = { burst: 3, perSecond: 0, waitMs: 3_600_000, maxWaiting: 2, maxStrange: 100 };

const right = async () => 'ana';
const wrong = async () => Promise.reject(new MurmurError('UNAUTHENTICATED', 'wrong'));

/** What comes of it, or that it still waits once everything that does not wait is over. */
async function outcome(attempt: Promise<string>): Promise<string> {
  return Promise.race([attempt.catch((thrown: unknown) => MurmurError.from(thrown).code), delay(20, 'waits')]);
}

async function spendBurst(watch: KeyWatch, peer: string): Promise<void> {
  for (let index = 0; index < 3; index++) expect(await outcome(watch.identify(peer, `wrong ${index}`, wrong))).toBe('UNAUTHENTICATED');
}

test('where wrong keys keep coming from, the next one waits, and after some nobody else gets to wait', async () => {
  const watch = watchKeys(forEver, log);
  await spendBurst(watch, 'here');
  let looked = 0;
  const look = async () => {
    looked++;
    return wrong();
  };
  expect(await Promise.all([1, 2].map((index) => outcome(watch.identify('here', `more ${index}`, look))))).toEqual(['waits', 'waits']);
  expect(await outcome(watch.identify('here', 'one more', look))).toBe('RESOURCE_EXHAUSTED');
  expect(looked).toBe(0);
  expect(await outcome(watch.identify('elsewhere', 'one more', wrong))).toBe('UNAUTHENTICATED');
});

test('a key that was good before is never slowed, unless it is good no more', async () => {
  const watch = watchKeys(forEver, log);
  expect(await outcome(watch.identify('elsewhere', 'good', right))).toBe('ana');
  await spendBurst(watch, 'here');
  expect(await outcome(watch.identify('here', 'good', right))).toBe('ana');
  expect(await outcome(watch.identify('here', 'good', wrong))).toBe('UNAUTHENTICATED');
  expect(await outcome(watch.identify('here', 'good', right))).toBe('waits');
});

test('a good key that is new gets its turn, and time forgives', async () => {
  const watch = watchKeys({ ...forEver, waitMs: 1 }, log);
  await spendBurst(watch, 'here');
  expect(await watch.identify('here', 'good', right)).toBe('ana');
  const forgiving = watchKeys({ ...forEver, perSecond: 1_000_000 }, log);
  await spendBurst(forgiving, 'here');
  expect(await outcome(forgiving.identify('here', 'good', right))).toBe('ana');
});

test('what is not the key’s fault does not count', async () => {
  const watch = watchKeys(forEver, log);
  const away = async () => Promise.reject(new MurmurError('UNAVAILABLE', 'the database does not answer'));
  for (let index = 0; index < 10; index++) expect(await outcome(watch.identify('here', 'key', away))).toBe('UNAVAILABLE');
  for (let index = 0; index < 10; index++) expect(await outcome(watch.identify('here', undefined, wrong))).toBe('UNAUTHENTICATED');
  expect(await outcome(watch.identify('here', 'key', right))).toBe('ana');
});

test('so many keys that were not good before are looked at at once, beside those that were', async () => {
  const watch = watchKeys({ ...forEver, maxStrange: 2 }, log);
  expect(await outcome(watch.identify('here', 'good', right))).toBe('ana');
  const stuck = async () => new Promise<string>(() => undefined);
  for (const key of ['a', 'b']) expect(await outcome(watch.identify(key, key, stuck))).toBe('waits');
  expect(await outcome(watch.identify('elsewhere', 'c', right))).toBe('RESOURCE_EXHAUSTED');
  expect(await outcome(watch.identify('here', 'good', right))).toBe('ana');
});
