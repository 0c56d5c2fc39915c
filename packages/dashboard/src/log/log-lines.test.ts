import { expect, test } from 'vitest';

import { LogLines } from './log-lines.js';

function logOf(...texts: readonly string[]): LogLines {
  const log = new LogLines();
  for (const text of texts) log.append(text, undefined);
  return log;
}

const linesOf = (log: LogLines): readonly string[] => Array.from({ length: log.count }, (_, index) => log.line(index));

test('lines are whole however their text comes', () => {
  expect(linesOf(logOf('on', 'e\ntw', 'o\n', '\nfo'))).toEqual(['one', 'two', '', 'fo']);
});

test('a line that was written over shows what is left on a terminal', () => {
  expect(linesOf(logOf('10%\r20%\rdone\r\n1%\r2%'))).toEqual(['done', '2%']);
});

test('a colour goes on over lines until it ends', () => {
  const log = logOf('a\u001b[31mb\n', 'c\n\u001b[0md\ne\n');
  expect([0, 1, 2, 3].map((line) => log.shown(line).style)).toEqual([{}, { ink: '1' }, { ink: '1' }, {}]);
});

test('a line of a megabyte is shown as far as anybody reads it', () => {
  const { rest, text } = logOf(`${'x'.repeat(1_000_000)}\n`).shown(0);
  expect([text.length, rest]).toEqual([2000, 998_000]);
});

test('each line has the time of the text that it began in', () => {
  const log = new LogLines();
  log.append('a\nb', 1000);
  log.append('b\nc\n', 2000);
  expect([0, 1, 2].map((line) => log.timeOf(line))).toEqual([1000, 2000, 2000]);
});

test('a search finds lines whatever their case and colours', () => {
  expect(logOf('Error: one\nfine\n\u001b[31mer\u001b[1mROR\u001b[0m two\n').find('error')).toEqual([0, 2]);
});

test('a hundred thousand lines are there at once', () => {
  const log = logOf('some line of a log\n'.repeat(100_000));
  expect([log.count, log.line(99_999), log.find('of a').length]).toEqual([100_000, 'some line of a log', 100_000]);
});
