import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describeSubstrate, type SubstrateUnderTest } from '../conformance.js';
import type { Site } from '../substrate.js';
import { makeBusyboxRoot } from './busybox-root.js';
import { createPlaces } from './places.js';

const [here, there] = ['here', 'there'].map((place) => ({ place }) as unknown as Site) as [Site, Site];

describeSubstrate('several-places', async (): Promise<SubstrateUnderTest> => {
  const folder = await mkdtemp(join(tmpdir(), 'murmur-places-'));
  const root = join(folder, 'busybox');
  await makeBusyboxRoot(root);
  const open = () => Object.assign(createPlaces(join(folder, 'places')), { lateMs: 300 });
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
    async close() {
      for (const { token } of (await Object.assign(places, { lateMs: 0 }).listOwned(here, 'conformance', new AbortController().signal))
        .things)
        await places.kill(here, token);
      await rm(folder, { recursive: true, force: true });
    },
  };
});
