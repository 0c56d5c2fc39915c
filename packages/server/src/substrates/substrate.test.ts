import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { expect, test } from 'vitest';

import { answeredWithin, PlatformFault } from './substrate.js';

/** Asks for something that never comes, and hears of its signal only. */
const never = (signal: AbortSignal) =>
  new Promise<never>((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }));

test('a machine that never answers is given up, however often memory is collected meanwhile', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  let ended = false;
  const asked = answeredWithin(300, new AbortController().signal, never)
    .catch((error: unknown) => error)
    .finally(() => (ended = true));
  while (!ended) {
    collect();
    await turn();
  }
  expect(await asked).toEqual(new PlatformFault('the machine did not answer for 0.3 s'));
});

test('one that does not even notice the signal is given up too', async () => {
  const deaf = () => new Promise<never>(() => undefined);
  await expect(answeredWithin(50, new AbortController().signal, deaf, 'too late')).rejects.toEqual(new PlatformFault('too late'));
});

test('whoever gives up first says why', async () => {
  const leaving = new AbortController();
  const asked = answeredWithin(60_000, leaving.signal, never);
  leaving.abort(new Error('cancelled'));
  await expect(asked).rejects.toThrow('cancelled');
});
