import { createHash } from 'node:crypto';

import type { ImageInspectInfo } from 'dockerode';
import { extract } from 'tar-stream';

import { PlatformFault } from '../substrate.js';
import { asked, type Engine } from './engine.js';

/** An archive that breaks off this often while the engine answers is of an image that it cannot read. */
const mostBreaks = 2;

/**
 * Reads every layer of an image out of the engine and compares its content with the digests that its configuration names.
 * Throws {@link PlatformFault} when the engine goes away meanwhile: nothing is known of the image then.
 */
export async function layersAreWhole(engine: Engine, image: ImageInspectInfo, signal: AbortSignal): Promise<boolean> {
  for (let breaks = 0; breaks < mostBreaks; breaks += 1) {
    try {
      const found = await digestsIn(await asked(signal, () => engine.docker.getImage(image.Id).get()), signal);
      return image.RootFS.Layers?.every((digest) => found.has(digest)) ?? true;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof Error)) throw error;
      // The engine keeps checksums of its own and refuses, at once or in the middle, to hand out what no longer matches them.
      if (/checksum|integrity/i.test(error.message)) return false;
      if (error instanceof PlatformFault) throw error;
      await asked(signal, () => engine.docker.ping());
    }
  }
  return false;
}

async function digestsIn(archive: NodeJS.ReadableStream, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  const entries = extract();
  archive.on('error', (error: Error) => entries.destroy(error));
  archive.pipe(entries);
  for await (const entry of entries) {
    signal.throwIfAborted();
    const hash = createHash('sha256');
    for await (const chunk of entry) hash.update(chunk as Buffer);
    found.add(`sha256:${hash.digest('hex')}`);
  }
  return found;
}
