import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

import { createClient } from '@connectrpc/connect';
import { connectNodeAdapter, createConnectTransport } from '@connectrpc/connect-node';
import { MurmurService } from '@murmur/api';
import { pino } from 'pino';
import { expect, test } from 'vitest';

import { guardAdapter } from './adapter-guard.js';
import { listen } from './listen.js';

const log = pino({ level: 'silent' });

test.each([
  ['HTTP/1.1', '1.1'],
  ['HTTP/2', '2'],
] as const)('ends a stream whose client goes away over %s while the answer is stuck', async (_, httpVersion) => {
  const download = new EndlessDownload();
  const adapter = connectNodeAdapter({ routes: (router) => router.service(MurmurService, download) });
  const listener = await listen('127.0.0.1:0', guardAdapter(adapter, log), { log });
  const left = new AbortController();
  const client = createClient(MurmurService, createConnectTransport({ baseUrl: listener.url, httpVersion }));
  const reading = (async () => {
    for await (const { chunk } of client.exportImage({ name: 'x' }, { signal: left.signal })) {
      expect(chunk).toHaveLength(download.chunk.length);
      await download.stuck();
      left.abort();
    }
  })();
  await expect(reading).rejects.toThrow('[canceled]');
  await download.released;
  await listener.close();
});

/** It knows when nobody takes its pieces any more, and when it has ended. */
class EndlessDownload {
  /** Random, as what can be compressed would take long to fill the buffers on its way. */
  readonly chunk = randomBytes(1024 * 1024);
  readonly released: Promise<void>;
  #release: () => void = () => undefined;
  #sent = 0;

  constructor() {
    this.released = new Promise((resolve) => (this.#release = resolve));
  }

  readonly exportImage = async function* (this: EndlessDownload) {
    try {
      for (;;) {
        this.#sent++;
        yield { chunk: this.chunk };
      }
    } finally {
      this.#release();
    }
  };

  /** Resolves once a while has passed in which no piece was taken. */
  async stuck(): Promise<void> {
    for (let before = -1; before !== this.#sent; await delay(100)) before = this.#sent;
  }
}
