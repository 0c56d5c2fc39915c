import { pino } from 'pino';
import { expect, test } from 'vitest';

import { startReconcileLoops } from './reconcile-loop.js';

const log = pino({ level: 'silent' });

test('a loop that is hurried comes at once, also when it is asked for while it runs, and a failure stops nothing', async () => {
  let count = 0;
  let third: () => void = () => undefined;
  const cameThrice = new Promise<void>((resolve) => (third = resolve));
  const loops = startReconcileLoops(
    [
      {
        name: 'work',
        everyMs: 3_600_000,
        work: async () => {
          await Promise.resolve();
          count += 1;
          if (count < 3) loops.hurry('work');
          if (count === 2) throw new Error('the second time fails');
          if (count === 3) third();
        },
      },
    ],
    log,
  );
  loops.hurry('work');
  await cameThrice;
  await loops.stop();
  expect(count).toBe(3);
});
