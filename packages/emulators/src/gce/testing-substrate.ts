import { createSign, generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { create } from '@bufbuild/protobuf';
import { type GcpTarget, GcpTargetSchema, PlacementSchema } from '@murmur/api';
import { type CloudTimes, createGceSubstrate } from '@murmur/server/testing-gce';
import { deriveGuestKeys } from '@murmur/server/testing-machines';

import { startEmulator, type Emulator, type EmulatorOptions } from './emulator.js';
import { changeProvider } from './identity.js';
import { defaultSettings } from './settings.js';
import { imagePath } from './world.js';

/** The substrate under test. */
export type Substrate = ReturnType<typeof createGceSubstrate>;
/** A site of it. */
export type Site = ReturnType<Substrate['siteOf']>;
/** What a machine is launched with. */
export type Spec = Parameters<Substrate['launch']>[0];
/** Names one create. */
export type Token = Parameters<Substrate['launch']>[1];

/** An emulator of one's own answers at once and limits nobody. */
const quickTimes: CloudTimes = {
  call: { firstMs: 5, longestMs: 100 },
  machine: { firstMs: 50, longestMs: 500 },
  image: { firstMs: 50, longestMs: 500 },
  room: { firstMs: 20, longestMs: 20 },
  bootMs: 180_000,
  unseenMs: 20_000,
};

/** A substrate on an emulator of its own, with an issuer that the emulator knows. */
export interface EmulatedPlace extends AsyncDisposable {
  readonly emulator: Emulator;
  readonly installation: string;
  /** The base image, pinned. */
  readonly base: Spec['base'];
  /** Another one over the same project, as a restarted server makes it; something may stand before the emulator. */
  open(changes?: { readonly endpoint?: string; readonly times?: Partial<CloudTimes> }): Substrate;
  /** The site of a placement in the emulated project. */
  siteOf(changes?: Partial<Omit<GcpTarget, '$typeName' | '$unknown'>>, tenant?: string): Site;
  /** A small machine from the emulator's base image. */
  spec(changes?: Partial<Spec>): Spec;
  /** Everything in the project that carries our labels. */
  left(): readonly string[];
  /** Takes every fault and setting back. */
  calm(): void;
}

/** Starts an emulator in a folder that goes with it. */
export async function emulatedPlace(options: Partial<EmulatorOptions> = {}): Promise<EmulatedPlace> {
  const folder = await mkdtemp(path.join(tmpdir(), 'gce-'));
  const emulator = await startEmulator({ listen: { host: '127.0.0.1', port: 0 }, dataDir: folder, ...options });
  const { description, settings, world } = emulator;
  const subjects = issuer(emulator);
  const keys = deriveGuestKeys(randomBytes(64));
  const installation = 'emulated';
  const [base] = [...world.images.values()];
  if (base === undefined) throw new Error('the emulator has no base image');
  const naming = createGceSubstrate({}, subjects);
  const place: EmulatedPlace = {
    emulator,
    installation,
    base: { immutableId: `${imagePath(base)}@${base.id}`, architecture: 'AMD64' },
    open({ endpoint = description.endpoint, times } = {}) {
      const addresses = { endpoint, stsEndpoint: endpoint, iamCredentialsEndpoint: endpoint };
      return createGceSubstrate(addresses, subjects, { ...quickTimes, ...times });
    },
    siteOf(changes = {}, tenant = 'local/default') {
      const value = create(GcpTargetSchema, {
        project: description.project,
        zones: [...description.zones],
        subnet: description.network,
        wifProviderResourceName: description.wif_provider_resource_name,
        wifServiceAccount: description.wif_service_account,
        ...changes,
      });
      return naming.siteOf(create(PlacementSchema, { name: 'gce', target: { case: 'gcp', value } }), tenant);
    },
    spec: (changes = {}) => ({
      owner: { installation, tenant: 'local/default', runId: 'run' },
      base: place.base,
      site: place.siteOf(),
      attempt: 1,
      diskType: '',
      vcpus: 1,
      memoryMb: 128,
      machineType: '',
      diskSizeGb: 0,
      keys,
      lifetimeSeconds: 600,
      ...changes,
    }),
    left: () =>
      [...world.instances.values(), ...world.disks.values(), ...world.images.values()]
        .filter(({ labels }) => labels['murmur'] === 'true')
        .map(({ id, name }) => `${name} ${id}`),
    calm() {
      emulator.faults.replace([]);
      Object.assign(settings, defaultSettings());
    },
    async [Symbol.asyncDispose]() {
      await emulator[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return place;
}

/** An issuer whose keys the emulator's provider gets, as the guide uploads a server's. */
function issuer({ clock, provider }: Emulator) {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const [kid, iss] = ['testing', 'https://murmur.test'];
  const jwksJson = JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid, alg: 'RS256', use: 'sig' }] });
  changeProvider(provider, { oidc: { issuerUri: iss, jwksJson } });
  return {
    async sign({ audience, subject }: { readonly audience: string; readonly subject: string }): Promise<string> {
      const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
      const iat = Math.floor(clock.now() / 1000);
      const signed = `${part({ alg: 'RS256', kid })}.${part({ iss, sub: subject, aud: audience, iat, exp: iat + 600 })}`;
      return Promise.resolve(`${signed}.${createSign('RSA-SHA256').update(signed).sign(privateKey).toString('base64url')}`);
    },
  };
}
