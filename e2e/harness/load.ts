import { setTimeout as delay } from 'node:timers/promises';

import { callApi } from './api.js';
import type { TestServer } from './server.js';

const pauseMs = 50;

/** Calls that go on all the time, and what came of them. */
export interface Load {
  /** Ends it once every call has its answer. */
  stop(): Promise<void>;
  /** The names of the recipes whose writing was confirmed. */
  readonly confirmed: readonly string[];
  /** Codes of answers other than success, and what they say. */
  readonly refusals: ReadonlySet<string>;
}

/** Writes recipes of ever new names to servers, from several clients at each. A server that is not there is asked again. */
export function startLoad(servers: readonly TestServer[]): Load {
  const confirmed: string[] = [];
  const refusals = new Set<string>();
  let stopped = false;
  let number = 0;
  const client = async (server: TestServer): Promise<void> => {
    while (!stopped) {
      const name = `load-${++number}`;
      const document = JSON.stringify({
        name,
        base_image_qemu_ref: 'tiny',
        provisioning_script: '#!/bin/sh\n',
        provisioning_timeout: '1m',
      });
      // A server that was killed or is stopped gives no answer: nothing is known of the call then.
      const answer = await callApi(server, 'SetResource', { kind: 'recipe', name, document }).catch(() => undefined);
      if (typeof answer?.['code'] === 'string') refusals.add(`${answer['code']}: ${String(answer['message'])}`);
      else if (answer !== undefined) confirmed.push(name);
      // Enough to be in the middle of something whenever a fault comes, and little enough to leave the machine to the bakes.
      await delay(pauseMs);
    }
  };
  const clients = servers.flatMap((server) => [client(server), client(server)]);
  return {
    confirmed,
    refusals,
    async stop() {
      stopped = true;
      await Promise.all(clients);
    },
  };
}
