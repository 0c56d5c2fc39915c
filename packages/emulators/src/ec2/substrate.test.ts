import { describeSubstrate } from '@murmur/server/testing-aws';
import { describe } from 'vitest';

import { emulatedPlace } from './testing-substrate.js';
import { proxyCloud } from './testing-wire.js';

/** Slow: boots a machine for nearly every test. `MURMUR_FULL=sweep` runs it. */
describe.runIf(process.env['MURMUR_FULL'] === 'sweep')('on the emulator', () => {
  describeSubstrate('AWS', async () => {
    const place = await emulatedPlace();
    const { description } = place.emulator;
    const proxy = await proxyCloud(description.endpoint);
    const reopen = () => place.open({ endpoint: proxy.endpoint });
    const substrate = await reopen();
    const instanceOf = (handle: object) => place.world().instances.get((handle as { instanceId: string }).instanceId);
    return {
      substrate,
      reopen,
      installation: 'conformance',
      base: { immutableId: description.image_id, architecture: 'AMD64' as const },
      site: place.siteOf(),
      otherSite: place.siteOf({ region: 'us-west-2', subnetIds: [] }),
      wire: proxy.wire,
      left() {
        const { images, instances, interfaces, snapshots, volumes } = place.world();
        const here = [...instances.values()].filter(({ state }) => state !== 'terminated');
        const things = [...here, ...images.values(), ...snapshots.values(), ...volumes.values(), ...interfaces.values()];
        return Promise.resolve(things.filter(({ tags }) => tags.has('murmur')).map(({ id }) => id));
      },
      revealed({ handle }) {
        const found = instanceOf(handle);
        return Promise.resolve(Buffer.concat([found?.userData ?? Buffer.from(''), Buffer.from(JSON.stringify([...(found?.tags ?? [])]))]));
      },
      async kill({ handle }) {
        const machine = instanceOf(handle)?.machine;
        machine?.kill();
        await machine?.ended;
      },
      async damage({ reference }, how) {
        const image = place.world().images.get((reference as { ami: string }).ami);
        if (image === undefined) throw new Error('there is no such image');
        if (how === 'hidden') place.world().snapshots.delete(image.snapshotId);
        else place.world().images.delete(image.id);
        await Promise.resolve();
      },
      async close() {
        await substrate.close?.();
        await proxy[Symbol.asyncDispose]();
        await place[Symbol.asyncDispose]();
      },
    };
  });
});
