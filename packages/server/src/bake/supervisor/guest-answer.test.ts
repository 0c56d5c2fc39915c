import { expect, test } from 'vitest';

import { BakeFailure } from '../workflow/step.js';
import { complaint, guestAnswer } from './guest-answer.js';

test('an answer is put together from its parts', () => {
  const answer = guestAnswer();
  for (const part of ['on', 'e\n']) answer.sink.stdout(Buffer.from(part));
  answer.sink.stderr(Buffer.from('running\n'));
  expect(answer.output().toString()).toBe('one\n');
  expect(answer.state()).toBe('running');
});

test('an answer without end is cut off, whichever way it comes', () => {
  const { sink } = guestAnswer();
  const part = Buffer.alloc(2 * 1024 * 1024);
  sink.stdout(part);
  sink.stderr(part);
  expect(() => sink.stderr(Buffer.from('x'))).toThrow(BakeFailure);
});

test('a complaint holds no secret, no NUL and only the end of what was said', () => {
  expect(complaint('sh: hunter2\0: not found\n', ['hunter2'])).toBe('sh: [redacted]\uFFFD: not found');
  expect(complaint(`hunter2${'x'.repeat(1020)}`, ['hunter2'])).toBe(`ted]${'x'.repeat(1020)}`);
});
