import { stat } from 'node:fs/promises';
import path from 'node:path';

import { discardImage, isDiscarded } from '../images.js';
import { imageFolder, type Digest, type Layout } from '../layout.js';
import { listManifests, type Manifest } from '../manifest.js';

/** Which bases may go. */
export interface Retirement {
  /** A base that a build gave out more recently may be about to be registered. */
  readonly unusedMs: number;
  readonly inUse: (digest: Digest) => Promise<boolean>;
  readonly machineBases: ReadonlySet<Digest>;
}

/** Gives up the bases that nobody uses any more, as long as there is one that somebody does. */
export async function retireBases(layout: Layout, { inUse, machineBases, unusedMs }: Retirement): Promise<void> {
  const unused: Manifest[] = [];
  let used = 0;
  for (const manifest of await listManifests(layout)) {
    const { digest } = manifest.disk;
    const built = manifest.parent === null && manifest.inputs !== undefined && manifest.captured === undefined;
    if (!built || (await isDiscarded(layout, digest))) continue;
    if (await inUse(digest)) used += 1;
    else if (Date.now() - (await servedAt(layout, digest)) > unusedMs) unused.push(manifest);
  }
  // A new database knows none of the bases in an old data directory; they serve again once one is built.
  if (used === 0) return;
  for (const { disk } of unused) await discardImage(layout, disk.digest, machineBases);
}

async function servedAt(layout: Layout, digest: Digest): Promise<number> {
  return (await stat(path.join(imageFolder(layout, digest), 'manifest.json'))).mtimeMs;
}
