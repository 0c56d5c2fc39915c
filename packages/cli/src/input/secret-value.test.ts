import { Readable } from 'node:stream';
import { expect, it } from 'vitest';

import { readSecretValue } from './secret-value.js';

it.each([
  ['Enter', 'hunter2\r', 'hunter2'],
  ['Ctrl-C', 'hunter2\u0003', 'nothing was set'],
])('a terminal shows nothing from before the question until after %s', async (_, typed, expected) => {
  const events: string[] = [];
  const stdin = Object.assign(Readable.from([Buffer.from(typed)]), {
    isTTY: true,
    setRawMode: (mode: boolean) => events.push(mode ? 'hides' : 'shows'),
  });
  const stderr = { write: (text: string | Uint8Array) => events.push(String(text)) };
  const answer = await readSecretValue({ stdin, stderr }, 'TOKEN').catch((error: unknown) => (error instanceof Error ? error.message : ''));
  expect(answer).toBe(expected);
  expect(events).toEqual(['hides', 'Value of TOKEN (not shown): ', 'shows', '\n']);
});
