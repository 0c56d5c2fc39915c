import { pino } from 'pino';
import { expect, test } from 'vitest';

import { startRounds } from './reconcile-loop.js';

const log = pino({ level: 'silent' });

test('a round that is hurried comes at once, also when it is asked for while it runs, and a failure stops nothing', async () => {
  let count = 0;
  let third: () => void = () => undefined;
  const cameThrice = new Promise<void>((resolve) => (third = resolve));
  const rounds = startRounds(
    [
      {
        name: 'work',
        everyMs: 3_600_000,
        work: async () => {
          await Promise.resolve();
          count += 1;
          if (count < 3) rounds.hurry('work');
          if (count === 2) throw new Error('the second time fails');
          if (count === 3) third();
        },
      },
    ],
    log,
  );
  rounds.hurry('work');
  await cameThrice;
  await rounds.stop();
  expect(count).toBe(3);
});
