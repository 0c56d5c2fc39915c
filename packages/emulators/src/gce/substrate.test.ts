import type { IncomingMessage } from 'node:http';

import { describeSubstrate, type WireFault } from '@murmur/server/testing-gce';
import { describe } from 'vitest';

import { proxyTo } from '../wire/testing-proxy.js';
import { emulatedPlace } from './testing-substrate.js';

const refusals: Partial<Record<WireFault, { readonly status: number; readonly reason: string }>> = {
  'fails once': { status: 503, reason: 'backendError' },
  'busy once': { status: 403, reason: 'rateLimitExceeded' },
  denied: { status: 403, reason: 'forbidden' },
};

/** A call's name: what it does to which kind of thing. */
function nameOf({ method = '', url = '' }: IncomingMessage): string {
  const { pathname } = new URL(url, 'http://emulator');
  if (pathname === '/v1/token') return 'exchange token';
  if (pathname.endsWith(':generateAccessToken')) return 'service account token';
  const parts = pathname.replace(/^\/compute\/v1\/projects\/[^/]+\/(?:global\/|zones\/[^/]+\/)?/, '').split('/');
  const [kind = '', , verb] = parts;
  if (kind === 'aggregated') return `list ${parts[1]}`;
  if (verb !== undefined) return `${kind} ${verb}`;
  if (method === 'GET') return parts.length === 1 ? `list ${kind}` : `get ${kind}`;
  return `${method === 'POST' ? 'insert' : 'delete'} ${kind}`;
}

/** Slow: boots a machine for nearly every test. `MURMUR_FULL=sweep` runs it. */
describe.runIf(process.env['MURMUR_FULL'] === 'sweep')('on the emulator', () => {
  describeSubstrate('GCE', async () => {
    const place = await emulatedPlace();
    const { endpoint } = place.emulator.description;
    const { world } = place.emulator;
    const polled = ['get instances', 'get images', 'get disks', 'instances getGuestAttributes', 'operations wait', 'exchange token'];
    const proxy = await proxyTo(endpoint, {
      polled: [...polled, 'service account token', 'list images', 'list instances', 'list disks'],
      nameOf,
      refusal(fault) {
        const known = refusals[fault];
        if (known === undefined) return undefined;
        const { reason, status } = known;
        const error = { code: status, message: 'a test says no', errors: [{ reason, domain: 'global', message: 'a test says no' }] };
        return { status, type: 'application/json', body: JSON.stringify({ error }) };
      },
    });
    const reopen = () => Promise.resolve(place.open({ endpoint: proxy.endpoint }));
    const substrate = await reopen();
    const instanceOf = ({ handle, token }: { readonly handle: object; readonly token: string }) =>
      world.instances.get(`${(handle as { zone: string }).zone}/${token}`);
    const imageOf = (reference: object) => {
      const link = (reference as { selfLink: string }).selfLink;
      const found = world.images.get(`${world.project}/${link.slice(link.lastIndexOf('/') + 1)}`);
      if (found === undefined) throw new Error('there is no such image');
      return found;
    };
    return {
      substrate,
      reopen,
      installation: place.installation,
      base: place.base,
      site: place.siteOf(),
      otherSite: place.siteOf({ zones: ['us-west1-a'] }),
      wire: proxy.wire,
      left: () => Promise.resolve(place.left()),
      revealed(machine) {
        const { guestAttributes, labels, metadata } = instanceOf(machine) ?? {};
        return Promise.resolve(Buffer.from(JSON.stringify([metadata, labels, [...(guestAttributes ?? [])]])));
      },
      async kill(machine) {
        const running = instanceOf(machine)?.machine;
        running?.kill();
        await running?.ended;
      },
      async damage({ reference }, how) {
        const image = imageOf(reference);
        // Another image under its name is what a look at the name alone does not see.
        const key = `${image.project}/${image.name}`;
        if (how === 'hidden') world.images.set(key, { ...image, id: '1' });
        else world.images.delete(key);
        await Promise.resolve();
      },
      async close() {
        await proxy[Symbol.asyncDispose]();
        await place[Symbol.asyncDispose]();
      },
    };
  });
});
