import { create } from '@bufbuild/protobuf';
import { type BuildBaseRequest, type BuildBaseResponse, BuildBaseResponseSchema, MurmurError, refusal } from '@murmur/api';
import type { Logger } from 'pino';

import { bakeErrors } from '../errors.js';
import type { Identity } from '../../access/identity.js';
import { writePlatformImage } from '../../catalog/builtins.js';
import { type CatalogContext, everything } from '../../catalog/context.js';
import { getResource } from '../../catalog/verbs/get.js';
import type { Database } from '../../database/tables.js';
import { type BaseBuilder, PlatformFault } from '../../substrates/substrate.js';
import { chunkQueue } from '../runs/chunk-queue.js';

/** The most characters of progress that wait for a caller who does not read; a whole build tells less. */
const mostWaiting = 4 * 1024 * 1024;

/** Builds the platform base image of one substrate on this host. */
export type BaseImageBuilder = Pick<BaseBuilder, 'imageName' | 'build'>;

/** What building bases needs of the server. */
export interface BaseBuildParts {
  readonly database: Database;
  readonly tenantKeys: CatalogContext['tenantKeys'];
  readonly builders: readonly BaseImageBuilder[];
  readonly log: Logger;
}

/** Builds a base and puts it into the catalog: progress while it lasts, then the image. */
export type BuildBase = (
  identity: Pick<Identity, 'tenant' | 'subject'>,
  request: BuildBaseRequest,
  signal: AbortSignal,
) => AsyncIterable<BuildBaseResponse>;

/** The builds of this process. A base is built for one caller at a time, and the build ends when that one leaves. */
export function createBaseBuilds(parts: BaseBuildParts): BuildBase {
  const running = new Set<string>();

  return async function* buildBase(identity, request, signal) {
    const builder = chooseBuilder(parts.builders, request.name);
    const { imageName } = builder;
    if (running.has(imageName)) {
      throw refusal(bakeErrors.baseInProgress, [imageName]);
    }
    running.add(imageName);
    const lines = chunkQueue<string>({
      most: mostWaiting,
      sizeOf: (line) => line.length,
      exceeded: () => refusal(bakeErrors.baseUnread, []),
    });
    const registered = builder
      .build({ rebuild: request.forceNew, onProgress: lines.push, signal })
      .then((image) => writePlatformImage(parts.database, image))
      .finally(() => {
        running.delete(imageName);
        lines.end();
      });
    // A caller who leaves never reaches the await below; the build then ends by its signal and must not end the server.
    registered.catch((cause: unknown) => parts.log.warn({ err: cause, image: imageName }, 'a base build did not finish'));
    for await (const line of lines) yield event({ case: 'progress', value: line });
    try {
      await registered;
    } catch (error) {
      throw error instanceof PlatformFault ? asAnswer(imageName, error) : error;
    }
    const { resource } = await getResource(
      { database: parts.database, identity, permits: everything, tenantKeys: parts.tenantKeys },
      { kind: 'image', name: imageName, generation: 0n },
    );
    yield event({ case: 'image', value: resource });
  };
}

function event(value: BuildBaseResponse['event']): BuildBaseResponse {
  return create(BuildBaseResponseSchema, { event: value });
}

/** What the host could not do, to whoever waits for the build. */
function asAnswer(imageName: string, fault: PlatformFault): MurmurError {
  const full = fault.kind === 'no-room';
  return new MurmurError(full ? 'RESOURCE_EXHAUSTED' : 'UNAVAILABLE', `base image "${imageName}" was not built: ${fault.message}`, {
    cause: fault,
    hint: full ? 'Remove images nobody needs with "murmur rm image", or ask the operator for room.' : "The server's log has the cause.",
  });
}

function chooseBuilder(builders: readonly BaseImageBuilder[], name: string): BaseImageBuilder {
  const [only] = builders;
  const chosen = name === '' && builders.length === 1 ? only : builders.find((builder) => builder.imageName === name);
  if (chosen !== undefined) return chosen;
  const names = builders.map((builder) => builder.imageName).join(', ');
  const { code, message } = bakeErrors.baseUnknown;
  throw new MurmurError(code, message(name), {
    hint: builders.length === 0 ? 'No substrate of this server builds base images.' : `This server can build: ${names}.`,
  });
}
