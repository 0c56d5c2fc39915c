import type { ServiceImpl } from '@connectrpc/connect';
import { type BuildBaseResponse, type Image, MurmurError, type MurmurService, BuildBaseResponseSchema } from '@murmur/api';
import { create } from '@bufbuild/protobuf';
import type { Logger } from 'pino';

import { getResource } from '../catalog/verbs/get.js';
import { writePlatformImage } from '../catalog/builtins.js';
import { type CatalogContext, everything } from '../catalog/context.js';
import type { Database } from '../database/tables.js';

import { identityOf } from './caller.js';

/** Builds the platform base image of one substrate on this host. */
export interface BaseBuilder {
  /** The catalog name of what it builds, such as `murmur-qemu-base`. */
  readonly imageName: string;
  build(options: { rebuild: boolean; onProgress(line: string): void; signal: AbortSignal }): Promise<Image>;
}

/** The operator's call that builds platform bases. A build goes on for one caller at a time. */
export function baseService(parts: {
  database: Database;
  tenantKeys: CatalogContext['tenantKeys'];
  builders: readonly BaseBuilder[];
  log: Logger;
}): Pick<ServiceImpl<typeof MurmurService>, 'buildBase'> {
  const running = new Set<string>();

  return {
    async *buildBase(request, context) {
      const identity = identityOf(context);
      const builder = chooseBuilder(parts.builders, request.name);
      if (running.has(builder.imageName)) {
        throw new MurmurError('FAILED_PRECONDITION', `base image "${builder.imageName}" is being built already`, {
          hint: 'Wait for that build to end: it serves everyone.',
        });
      }
      running.add(builder.imageName);
      const lines = lineQueue();
      const registered = builder
        .build({ rebuild: request.forceNew, onProgress: lines.push, signal: context.signal })
        .then((image) => writePlatformImage(parts.database, image))
        .finally(() => {
          running.delete(builder.imageName);
          lines.end();
        });
      // A caller who leaves never reaches the await below; the build then ends by its signal and must not end the server.
      registered.catch((cause: unknown) => parts.log.warn({ err: cause, image: builder.imageName }, 'a base build did not finish'));
      for await (const line of lines) yield event({ case: 'progress', value: line });
      await registered;
      const { resource } = await getResource(
        { database: parts.database, identity, permits: everything, tenantKeys: parts.tenantKeys },
        { kind: 'image', name: builder.imageName, generation: 0n },
      );
      yield event({ case: 'image', value: resource });
    },
  };
}

function event(value: BuildBaseResponse['event']): BuildBaseResponse {
  return create(BuildBaseResponseSchema, { event: value });
}

function chooseBuilder(builders: readonly BaseBuilder[], name: string): BaseBuilder {
  const [only] = builders;
  const chosen = name === '' && builders.length === 1 ? only : builders.find((builder) => builder.imageName === name);
  if (chosen !== undefined) return chosen;
  const names = builders.map((builder) => builder.imageName).join(', ');
  throw new MurmurError('INVALID_ARGUMENT', `no base image "${name}" can be built here`, {
    hint: builders.length === 0 ? 'No substrate of this server builds base images.' : `This server can build: ${names}.`,
  });
}

/** Lines handed from a callback to an async loop. */
function lineQueue(): AsyncIterable<string> & { push(line: string): void; end(): void } {
  const waiting: string[] = [];
  let ended = false;
  let wake: () => void = () => undefined;
  return {
    push(line) {
      waiting.push(line);
      wake();
    },
    end() {
      ended = true;
      wake();
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        const line = waiting.shift();
        if (line !== undefined) yield line;
        else if (ended) return;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    },
  };
}
