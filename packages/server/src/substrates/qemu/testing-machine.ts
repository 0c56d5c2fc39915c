import { randomBytes } from 'node:crypto';
import path from 'node:path';

import { create } from '@bufbuild/protobuf';
import { PlacementSchema } from '@murmur/api';
import pino from 'pino';

import { deriveGuestKeys } from '../guest-keys.js';
import type { GuestReach } from '../guest-reach.js';
import type { GuestKeys, LaunchSpec, Machine, Site, Token } from '../substrate.js';
import { createQemuSubstrate, type QemuSubstrate } from './index.js';
import { buildTinyBase } from './tiny.js';

/** A substrate on a folder, with what it takes to start tiny machines there. */
export interface TinyMachines extends AsyncDisposable {
  readonly dataDir: string;
  readonly installation: string;
  readonly substrate: QemuSubstrate;
  readonly site: Site;
  readonly keys: GuestKeys;
  readonly spec: LaunchSpec;
  /** Another instance over the same place, as a restarted server makes it. */
  reopen(): Promise<QemuSubstrate>;
  /** Starts a machine and waits until it answers. */
  boot(token: string, changes?: Partial<LaunchSpec>): Promise<Machine>;
}

/** Opens the substrate on `<folder>/data` with the tiny base in it. Control sockets go beside it, or elsewhere. */
export async function openTinyMachines(folder: string, runtimeDir = path.join(folder, 'run'), reach?: GuestReach): Promise<TinyMachines> {
  const installation = 'tiny-machines';
  const places = { dataDir: path.join(folder, 'data'), runtimeDir };
  const reopen = () =>
    createQemuSubstrate({ ...places, installation, ...(reach === undefined ? {} : { reach }), log: pino({ level: 'silent' }) });
  const substrate = await reopen();
  const placement = create(PlacementSchema, { name: 'murmur-qemu-local' });
  const site = substrate.siteOf(placement, 'local/default');
  const keys = deriveGuestKeys(randomBytes(64));
  const spec: LaunchSpec = {
    owner: { installation, tenant: 'local/default', runId: 'run' },
    site,
    base: { immutableId: await buildTinyBase(places), architecture: 'AMD64' },
    attempt: 1,
    vcpus: 1,
    memoryMb: 128,
    machineType: '',
    diskType: '',
    diskSizeGb: 0,
    keys,
    lifetimeSeconds: 600,
  };
  const { signal } = new AbortController();
  return {
    dataDir: places.dataDir,
    installation,
    substrate,
    site,
    keys,
    spec,
    reopen,
    async boot(token, changes = {}) {
      const machine = await substrate.launch({ ...spec, ...changes }, token as Token, signal);
      await substrate.waitReady(machine, keys, signal);
      return machine;
    },
    async [Symbol.asyncDispose]() {
      await substrate.close();
      for (const { token } of (await substrate.listOwned(site, installation, signal)).things) await substrate.destroy(site, token, signal);
    },
  };
}
