import { expect, test } from 'vitest';

import { chunkQueue } from './chunk-queue.js';

const newQueue = () => chunkQueue<string>({ most: 5, sizeOf: (text) => text.length, exceeded: () => new Error('too much') });

async function readAll(queue: AsyncIterable<string>, onValue: (value: string) => void = () => undefined): Promise<string[]> {
  const values: string[] = [];
  for await (const value of queue) {
    values.push(value);
    onValue(value);
  }
  return values;
}

test('values come in order, those of before the reader and those of after', async () => {
  const queue = newQueue();
  queue.push('one');
  const reading = readAll(queue, (value) => {
    if (value === 'one') queue.push('three');
    else queue.end();
  });
  expect(await reading).toEqual(['one', 'three']);
});

test('more than fits ends the queue with an error, after what fits', async () => {
  const queue = newQueue();
  for (const text of ['1234', '5', '6', '7']) queue.push(text);
  const seen: string[] = [];
  await expect(readAll(queue, (value) => seen.push(value))).rejects.toThrow('too much');
  expect(seen).toEqual(['1234', '5']);
});
