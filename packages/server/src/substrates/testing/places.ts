import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { create } from '@bufbuild/protobuf';
import { AwsSourceSchema, MurmurError } from '@murmur/api';

import { isGone, processStart } from '../../host/process-start.js';
import type { WireKeeper } from '../conformance-wire.js';
import { runOnHost } from '../host-command.js';
import { type OwnedThing, type Owner, PlatformFault, type Site, type Substrate, type Token } from '../substrate.js';
import { enterMachine } from './enter-machine.js';

/** The calls of the port that can be made to fail. */
export type PlaceCall =
  | 'resolveBase'
  | 'launch'
  | 'waitReady'
  | 'channel'
  | 'capture'
  | 'imageExists'
  | 'keepImage'
  | 'discardImage'
  | 'destroy'
  | 'listOwned';

/** A substrate of several sites, for tests: a machine is a folder and a process in namespaces of its own. */
export interface Places extends Substrate {
  /** What the next calls meet before they do anything, one each. A promise that never settles is a site that hangs. */
  readonly faults: Map<PlaceCall, (() => Promise<void>)[]>;
  /** Lists lack what was made or removed less than so many milliseconds ago, as elsewhere than on one's own host they may. */
  lateMs: number;
  /** Ends a machine as if its host had failed. */
  kill(site: Site, token: Token): Promise<void>;
  /** Puts a file system into a place as an image, and returns its id. */
  addImage(site: Site, root: string): Promise<string>;
  imageFolder(site: Site, id: string): string;
}

interface Record {
  readonly token: Token;
  readonly owner: Owner;
  readonly createdAt: number;
  readonly pid?: number;
  readonly start?: string | undefined;
  readonly digest?: string;
  readonly kept?: boolean;
}

/** Places below a folder; an AWS region names each. Needs root, as namespaces and `chroot` do. A wire sees the calls by their names. */
export function createPlaces(folder: string, wire?: WireKeeper): Places {
  const placeOf = (site: Site) => join(folder, String(site['place'] as unknown as string));
  const machineOf = (site: Site, token: Token) => join(placeOf(site), 'machines', token);
  const imageOf = (site: Site, id: string) => join(placeOf(site), 'images', id);
  const faults: Places['faults'] = new Map();
  const asked = async <T>(call: PlaceCall, work: () => Promise<T>): Promise<T> => {
    await faults.get(call)?.shift()?.();
    return wire === undefined ? work() : overWire(wire, call, work);
  };

  const places: Places = {
    name: 'AWS',
    local: false,
    guestFolder: '/dev/murmur',
    faults,
    lateMs: 0,
    imageFolder: imageOf,
    scope: (placement) => (placement.target.case === 'aws' ? placement.target.value.region : ''),
    siteOf: (placement) => ({ place: places.scope(placement) }) as unknown as Site,
    serves: () => true,
    resolveBase: (site, image) =>
      asked('resolveBase', async () => {
        const id = image.source.case === 'aws' ? image.source.value.amiIds[placeName(site)] : undefined;
        if (id === undefined || (await readRecord(imageOf(site, id))) === undefined) {
          throw new MurmurError('FAILED_PRECONDITION', `image "${image.name}" is not in ${placeName(site)}`);
        }
        return { immutableId: id, architecture: 'AMD64' };
      }),
    launch: ({ base, lifetimeSeconds, owner, site }, token) =>
      asked('launch', async () => {
        const machine = machineOf(site, token);
        const before = await readRecord(machine);
        if (before !== undefined) return { site, token, handle: {} };
        await mkdir(machine, { recursive: true });
        await cp(join(imageOf(site, base.immutableId), 'root'), join(machine, 'root'), { recursive: true, verbatimSymlinks: true });
        await makeNull(join(machine, 'root/dev/null'));
        const { pid } = startMachine(join(machine, 'root'), lifetimeSeconds);
        await writeRecord(machine, {
          token,
          owner,
          createdAt: Date.now(),
          ...(pid === undefined ? {} : { pid, start: await processStart(pid) }),
        });
        return { site, token, handle: {} };
      }),
    waitReady: ({ site, token }) =>
      asked('waitReady', async () => {
        await livePid(machineOf(site, token));
      }),
    channel: ({ site, token }) =>
      asked('channel', async () => {
        return enterMachine(await livePid(machineOf(site, token)));
      }),
    capture: ({ site, token: machine }, _keys, { owner, token }) =>
      asked('capture', async () => {
        const id = idOf(token);
        const source = { case: 'aws' as const, value: create(AwsSourceSchema, { amiIds: { [placeName(site)]: id } }) };
        const made = { source, reference: { id } };
        if ((await readRecord(imageOf(site, id))) !== undefined) return made;
        await endMachine(machineOf(site, machine));
        await takeImage(join(machineOf(site, machine), 'root'), imageOf(site, id), { token, owner, createdAt: Date.now() });
        return made;
      }),
    imageId: ({ id }) => (typeof id === 'string' ? id : undefined),
    imageExists: (site, { id }, check) =>
      asked('imageExists', async () => {
        const image = imageOf(site, String(id as string));
        const record = await readRecord(image);
        return record !== undefined && (check === 'quick' || record.digest === (await digestOf(join(image, 'root'))));
      }),
    keepImage: (site, { id }) =>
      asked('keepImage', async () => {
        const image = imageOf(site, String(id as string));
        const record = await readRecord(image);
        if (record !== undefined) await writeRecord(image, { ...record, kept: true });
      }),
    discardImage: (site, { id }) =>
      asked('discardImage', async () => {
        await rm(imageOf(site, String(id as string)), { recursive: true, force: true });
      }),
    destroy: (site, token) =>
      asked('destroy', async () => {
        await endMachine(machineOf(site, token));
        await rm(machineOf(site, token), { recursive: true, force: true, maxRetries: 5 });
      }),
    listOwned: (site, installation) =>
      asked('listOwned', async () => {
        const [machines, images] = await Promise.all([records(join(placeOf(site), 'machines')), records(join(placeOf(site), 'images'))]);
        const things: OwnedThing[] = [];
        for (const { createdAt, owner, pid, start, token } of machines) {
          if (pid !== undefined && (await processStart(pid)) === start)
            things.push({ type: 'machine', token, owner, createdAt, handle: { token } });
        }
        for (const { createdAt, kept, owner, token } of images) {
          if (kept !== true) things.push({ type: 'image', token, owner, createdAt, handle: { id: idOf(token) } });
        }
        return {
          things: things.filter(({ createdAt, owner }) => owner.installation === installation && Date.now() - createdAt >= places.lateMs),
        };
      }),
    kill: (site, token) => endMachine(machineOf(site, token)),
    async addImage(site, root) {
      const id = idOf(`added ${root}`);
      await takeImage(root, imageOf(site, id), {
        token: id as Token,
        owner: { installation: '', tenant: '', runId: '' },
        createdAt: 0,
        kept: true,
      });
      return id;
    },
  };
  return places;
}

/** A call of a place that something stands before: what it meets there is what a cloud's client makes of it. */
async function overWire<T>(wire: WireKeeper, call: PlaceCall, work: () => Promise<T>): Promise<T> {
  const fault = wire.meet(call);
  if (fault === 'hangs') return new Promise((_resolve, reject) => wire.whenDisarmed(() => reject(new PlatformFault('given up'))));
  if (fault === 'denied') throw new PlatformFault('the place denies it', { kind: 'refused' });
  if (fault === 'busy once') throw new PlatformFault('the place is busy', { kind: 'slow-down' });
  if (fault === 'fails once') throw new PlatformFault('the place failed');
  const answer = await work();
  if (fault === 'reply lost') throw new PlatformFault('the reply was lost');
  return answer;
}

function placeName(site: Site): string {
  return String(site['place'] as unknown as string);
}

function idOf(token: string): string {
  return `ami-${createHash('sha256').update(token).digest('hex').slice(0, 17)}`;
}

/** What a script redirects to: as a plain file it would hold what others threw away. */
async function makeNull(file: string): Promise<void> {
  await rm(file, { force: true });
  await runOnHost('mknod', ['-m', '666', file, 'c', '1', '3']);
}

function startMachine(root: string, lifetimeSeconds: number): ChildProcess {
  const namespaces = ['--mount', '--pid', '--fork', '--kill-child', `--mount-proc=${join(root, 'proc')}`];
  const machine = spawn('unshare', [...namespaces, 'chroot', root, '/bin/sleep', String(lifetimeSeconds)], {
    detached: true,
    stdio: 'ignore',
  });
  machine.unref();
  return machine;
}

async function livePid(machine: string): Promise<number> {
  const record = await readRecord(machine);
  if (record?.pid === undefined || (await processStart(record.pid)) !== record.start) throw new PlatformFault('the machine is gone');
  return record.pid;
}

async function endMachine(machine: string): Promise<void> {
  const record = await readRecord(machine);
  if (record?.pid === undefined || (await processStart(record.pid)) !== record.start) return;
  // The whole group: until the child has asked to end with its parent, it does not.
  process.kill(-record.pid, 'SIGKILL');
  while ((await processStart(record.pid)) === record.start) await new Promise((resolve) => setTimeout(resolve, 10));
}

/** Whole or not at all: the folder gets its name when everything is in it. */
async function takeImage(root: string, image: string, record: Record): Promise<void> {
  const making = `${image}.making`;
  await rm(making, { recursive: true, force: true });
  await mkdir(making, { recursive: true });
  await cp(root, join(making, 'root'), { recursive: true, verbatimSymlinks: true });
  await writeRecord(making, { ...record, digest: await digestOf(join(making, 'root')) });
  await rename(making, image);
}

async function digestOf(root: string): Promise<string> {
  return createHash('sha256')
    .update(await runOnHost('tar', ['--sort=name', '--mtime=@0', '-C', root, '-cf', '-', '.']))
    .digest('hex');
}

async function records(folder: string): Promise<Record[]> {
  try {
    const names = (await readdir(folder)).filter((name) => !name.endsWith('.making'));
    return (await Promise.all(names.map((name) => readRecord(join(folder, name))))).filter((record) => record !== undefined);
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}

async function readRecord(folder: string): Promise<Record | undefined> {
  try {
    return JSON.parse(await readFile(join(folder, 'record.json'), 'utf8')) as Record;
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

async function writeRecord(folder: string, record: Record): Promise<void> {
  await writeFile(join(folder, 'record.new'), JSON.stringify(record));
  await rename(join(folder, 'record.new'), join(folder, 'record.json'));
}
