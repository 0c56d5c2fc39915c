import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';

import { create } from '@bufbuild/protobuf';
import { type ExportImageResponse, ExportImageResponseSchema, refusal } from '@murmur/api';

import { imageCallErrors } from './errors.js';

const chunkBytes = 1024 * 1024;

/** How a file is handed out. */
export interface Handing {
  readonly signal: AbortSignal;
  /** A reader who takes nothing for this long has gone, or keeps others from theirs. */
  readonly stalledMs: number;
  /** Told when that happens: whoever only stalls may never come back to hear of it. */
  onStalled(): void;
}

/** A file in pieces; the first says how long it is and what digest it has. Throws ABORTED for a reader who stalled. */
export async function* pieces(file: string, { onStalled, signal, stalledMs }: Handing): AsyncGenerator<ExportImageResponse> {
  const stalled = new AbortController();
  const give = async function* (message: ExportImageResponse): AsyncGenerator<ExportImageResponse> {
    const timer = setTimeout(() => {
      stalled.abort();
      onStalled();
    }, stalledMs);
    try {
      yield message;
    } finally {
      clearTimeout(timer);
    }
    if (stalled.signal.aborted) throw refusal(imageCallErrors.exportUnread, [String(stalledMs / 1000)]);
  };
  const { size } = await stat(file);
  const digest = await digestOf(file, signal);
  yield* give(create(ExportImageResponseSchema, { totalBytes: BigInt(size), digest }));
  const stream = createReadStream(file, { highWaterMark: chunkBytes, signal: AbortSignal.any([signal, stalled.signal]) });
  // While nobody reads, nobody else hears that the stream was aborted.
  stream.on('error', () => undefined);
  for await (const chunk of stream) yield* give(create(ExportImageResponseSchema, { chunk: chunk as Buffer }));
}

async function digestOf(file: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file, { signal })) hash.update(chunk as Buffer);
  return `sha256:${hash.digest('hex')}`;
}
