import { type ExportImageRequest, type ExportImageResponse, type Image, refusal } from '@murmur/api';
import type { Logger } from 'pino';

import type { Reader } from '../../catalog/context.js';
import { substrateOf } from '../../catalog/kinds/recipe/bases.js';
import { readSpec } from '../../catalog/read.js';
import type { ExportedImage } from '../../substrates/substrate.js';
import { siteOfImage } from '../runs/sites.js';
import { found } from '../starting/placing.js';
import type { PlanParts } from '../starting/plan.js';
import { prefixed, reachable, substrateFor, substrateNamed } from '../starting/substrates.js';
import { imageCallErrors } from './errors.js';
import { pieces } from './export-pieces.js';
import { checkServesTenant, rightsOf } from './rights.js';

/** Each export copies a whole image and keeps the copy until it has been read. */
const mostAtOnce = 2;
const usualStalledMs = 120_000;

/** What exporting needs of the server. */
export interface ExportParts extends PlanParts {
  readonly log: Logger;
}

/** Gives out one image as a single file that needs no other, in pieces. */
export type ImageExporter = (reader: Reader, request: ExportImageRequest, signal: AbortSignal) => AsyncGenerator<ExportImageResponse>;

/** The exporter of this server. Refuses with RESOURCE_EXHAUSTED while as many exports run as may at once, and on a full disk. */
export function createExporter(parts: ExportParts, stalledMs: number = usualStalledMs): ImageExporter {
  let running = 0;
  return async function* exportImage(reader, request, signal) {
    const { image, open } = await prepare(parts, reader, request.name, signal);
    await parts.room.disk.require(`an export of image "${image.name}"`);
    if (running >= mostAtOnce) {
      throw refusal(imageCallErrors.tooManyExports, [String(running)]);
    }
    running += 1;
    let counted = true;
    const leave = (): void => {
      if (counted) running -= 1;
      counted = false;
    };
    try {
      await using exported = await open();
      const onStalled = (): void => {
        leave();
        // The reader may never come back, and what holds the file then never ends.
        exported[Symbol.asyncDispose]().then(undefined, (error: unknown) => parts.log.warn({ err: error }, 'an export was not removed'));
      };
      yield* pieces(exported.file, { signal, stalledMs, onStalled });
    } finally {
      leave();
    }
  };
}

async function prepare(
  parts: PlanParts,
  reader: Reader,
  imageName: string,
  signal: AbortSignal,
): Promise<{ image: Image; open(): Promise<ExportedImage> }> {
  const { tenant } = reader;
  const image = await found(readSpec(parts.database, reader, 'image', imageName), 'Check the names with `murmur get image`.');
  const substrate = substrateFor(parts.substrates, substrateNamed(substrateOf(image)));
  const write = substrate.exportImage?.bind(substrate);
  if (write === undefined) throw refusal(imageCallErrors.exportUnsupported, [prefixed(substrate.name)]);
  checkServesTenant(reader, substrate);
  const site = await siteOfImage(parts.database, substrate, tenant, image.name);
  const base = await reachable(substrate.name, () => substrate.resolveBase(site, image, rightsOf(parts, reader), signal));
  return { image, open: () => write(site, base, signal) };
}
