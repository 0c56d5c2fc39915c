import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describeSubstrate, type PlaceUnderTest } from '../conformance.js';
import { isGone } from '../../host/process-start.js';
import { keepWire } from '../conformance-wire.js';
import { runOnHost } from '../host-command.js';
import type { Site } from '../substrate.js';
import { makeBusyboxRoot } from './busybox-root.js';
import { createPlaces } from './places.js';

const [here, there] = ['here', 'there'].map((place) => ({ place }) as unknown as Site) as [Site, Site];

describeSubstrate('several-places', async (): Promise<PlaceUnderTest> => {
  const folder = await mkdtemp(join(tmpdir(), 'murmur-places-'));
  const root = join(folder, 'busybox');
  await makeBusyboxRoot(root);
  const wire = keepWire(['reply lost', 'fails once', 'busy once', 'hangs', 'denied']);
  const open = () => Object.assign(createPlaces(join(folder, 'places'), wire), { lateMs: 300 });
  const places = open();
  const base = await places.addImage(here, root);
  return {
    substrate: places,
    reopen: () => Promise.resolve(open()),
    installation: 'conformance',
    base: { immutableId: base, architecture: 'AMD64' },
    site: here,
    otherSite: there,
    kill: ({ site, token }) => places.kill(site, token),
    async damage({ reference }, how) {
      const image = places.imageFolder(here, places.imageId(reference) ?? '');
      if (how === 'plain') return rm(image, { recursive: true });
      const marker = join(image, 'root/marker');
      await writeFile(marker, (await readFile(marker, 'utf8')).replace('kept', 'rots'));
    },
    wire,
    async left() {
      const [machines, images] = await Promise.all(['machines', 'images'].map((kind) => namesIn(join(folder, 'places/here', kind))));
      return [...(machines ?? []), ...(images ?? [])];
    },
    async revealed({ token }) {
      const machine = join(folder, 'places/here/machines', token);
      return Buffer.concat([await readFile(join(machine, 'record.json')), Buffer.from(await runOnHost('grep', ['-r', '', machine]))]);
    },
    async close() {
      for (const { token } of (await Object.assign(places, { lateMs: 0 }).listOwned(here, 'conformance', new AbortController().signal))
        .things)
        await places.kill(here, token);
      await rm(folder, { recursive: true, force: true });
    },
  };
});

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}
