import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';

import { create } from '@bufbuild/protobuf';
import { type ExportImageRequest, type ExportImageResponse, ExportImageResponseSchema, MurmurError } from '@murmur/api';

import { readSpec } from '../../catalog/read.js';
import { checkServesTenant, tenantMayUse } from './may-use.js';
import { found } from '../starting/placing.js';
import type { PlanParts } from '../starting/plan.js';
import { reachable } from '../starting/reachable.js';
import { siteOfImage } from '../runs/sites.js';
import { prefixed, substrateOfImage } from '../starting/substrate-names.js';

const chunkBytes = 1024 * 1024;

/** One image as a single flattened qcow2 file, in pieces; the first says how long it is and what digest it has. */
export async function* exportImage(
  parts: PlanParts,
  tenant: string,
  request: ExportImageRequest,
  signal: AbortSignal,
): AsyncGenerator<ExportImageResponse> {
  const image = await found(readSpec(parts.database, tenant, 'image', request.name), 'Check the names with `murmur get image`.');
  const name = substrateOfImage(image);
  const substrate = name === undefined ? undefined : parts.substrates.get(name);
  if (substrate === undefined) throw new MurmurError('FAILED_PRECONDITION', `substrate ${prefixed(name)} is not available on this server`);
  if (substrate.exportImage === undefined) throw new MurmurError('FAILED_PRECONDITION', `images of ${prefixed(name)} cannot be exported`);
  await checkServesTenant(parts.database, tenant, substrate);
  const site = await siteOfImage(parts.database, substrate, tenant, image.name);
  const base = await reachable(substrate.name, () => substrate.resolveBase(site, image, tenantMayUse(parts.database, tenant), signal));
  await using exported = await substrate.exportImage(site, base, signal);
  const { file } = exported;
  const { size } = await stat(file);
  yield create(ExportImageResponseSchema, { totalBytes: BigInt(size), digest: `sha256:${await digestOf(file)}` });
  for await (const chunk of createReadStream(file, { highWaterMark: chunkBytes, signal })) {
    yield create(ExportImageResponseSchema, { chunk: chunk as Buffer });
  }
}

async function digestOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
