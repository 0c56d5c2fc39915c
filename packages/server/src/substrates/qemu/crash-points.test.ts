import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

import { create } from '@bufbuild/protobuf';
import { PlacementSchema } from '@murmur/api';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { deriveGuestKeys } from '../guest-keys.js';
import { PlatformFault, type LaunchSpec, type Machine, type Site, type Substrate, type Token } from '../substrate.js';
import { createQemuSubstrate } from './index.js';
import { findProcesses } from './machine-process.js';
import { buildTinyBase } from './tiny.js';

const installation = 'crashes';
const { signal } = new AbortController();

describe('a server that died in the middle', { timeout: 180_000 }, () => {
  const keys = deriveGuestKeys(randomBytes(64));
  let folder: string;
  let dataDir: string;
  let substrate: Substrate;
  let site: Site;
  let spec: LaunchSpec;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'murmur-crash-'));
    dataDir = path.join(folder, 'data');
    const places = { dataDir, runtimeDir: path.join(folder, 'run') };
    substrate = await createQemuSubstrate({ ...places, installation, log: pino({ level: 'silent' }) });
    site = substrate.siteOf(create(PlacementSchema), '');
    spec = {
      owner: { installation, tenant: 'local/default', runId: 'run' },
      base: { immutableId: await buildTinyBase(places), architecture: 'AMD64' },
      site,
      attempt: 1,
      diskType: '',
      vcpus: 1,
      memoryMb: 128,
      machineType: '',
      diskSizeGb: 0,
      keys,
      lifetimeSeconds: 600,
    };
  }, 180_000);
  afterAll(async () => {
    for (const thing of (await substrate.listOwned(site, installation, signal)).things) await substrate.destroy(site, thing.token, signal);
    await rm(folder, { recursive: true, force: true });
  });

  const machineFolder = (token: string) => path.join(dataDir, 'machines', token);
  const bootId = async (machine: Machine) => {
    await using channel = await substrate.channel(machine, keys, signal);
    return (await channel.run('cat /proc/sys/kernel/random/boot_id')).stdout;
  };

  test('after making a folder: the machine is made anew in it', async () => {
    const token = 'half-folder' as Token;
    await mkdir(machineFolder(token));
    await writeFile(path.join(machineFolder(token), 'disk.qcow2'), 'not a disk');
    const machine = await substrate.launch(spec, token, signal);
    await substrate.waitReady(machine, keys, signal);
    await substrate.destroy(site, token, signal);
    expect(await findProcesses(machineFolder(token))).toEqual([]);
  });

  test('after starting the process: that machine is found, and a person gets a shell on it', async () => {
    const token = 'half-recorded' as Token;
    const machine = await substrate.launch(spec, token, signal);
    const before = await bootId(machine);
    const file = path.join(machineFolder(token), 'machine.json');
    const { port: _port, process: _process, ...early } = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
    await writeFile(file, JSON.stringify(early));
    expect(await bootId(await substrate.launch(spec, token, signal))).toBe(before);

    const command = await substrate.shellCommand?.(machine, keys);
    const { stdout } = await promisify(execFile)('sh', ['-c', `${command} id -un </dev/null`]);
    expect(stdout.trim()).toBe('root');

    await substrate.destroy(site, token, signal);
    expect(await findProcesses(machineFolder(token))).toEqual([]);
    expect(await readdir(path.join(folder, 'run'))).toEqual([]);
  });

  test('leaves no key in the machine folder of a running machine', async () => {
    const token = 'no-keys' as Token;
    await substrate.launch(spec, token, signal);
    for (const name of await readdir(machineFolder(token))) {
      const content = await readFile(path.join(machineFolder(token), name), 'latin1');
      expect(content).not.toContain('PRIVATE KEY');
    }
    await substrate.destroy(site, token, signal);
  });

  test('after moving the disk: the capture is finished from there', async () => {
    const machine = await substrate.launch(spec, 'captured' as Token, signal);
    const artifact = { name: 'image', token: 'capture' as Token, owner: spec.owner };
    const first = await substrate.capture(machine, keys, artifact, signal);
    const digest = first.reference['diskDigest'] as string;
    const making = path.join(dataDir, 'images', '.making-capture');
    await rename(path.join(dataDir, 'images', digest.replace(':', '-')), making);
    await rm(path.join(making, 'manifest.json'));
    await rm(path.join(dataDir, 'images', '.captured-capture.json'));

    expect(
      (await substrate.listOwned(site, installation, signal)).things.map(({ type, token, owner }) => ({ type, token, owner })),
    ).toContainEqual({
      type: 'image',
      token: 'capture',
      owner: spec.owner,
    });
    await substrate.destroy(site, machine.token, signal);
    expect(await substrate.capture(machine, keys, artifact, signal)).toEqual(first);
    expect(await substrate.imageExists(site, first.reference, 'thorough', signal)).toBe(true);
    await substrate.discardImage(site, first.reference, signal);
    expect((await substrate.listOwned(site, installation, signal)).things).toEqual([]);
  });

  test('after sealing: an image that turns out to be wanted gets its place, unless it is not whole', async () => {
    const machine = await substrate.launch(spec, 'sealed' as Token, signal);
    const artifact = { name: 'image', token: 'sealed-capture' as Token, owner: spec.owner };
    const { reference } = await substrate.capture(machine, keys, artifact, signal);
    await substrate.destroy(site, machine.token, signal);
    const place = path.join(dataDir, 'images', (reference['diskDigest'] as string).replace(':', '-'));
    const making = path.join(dataDir, 'images', '.making-sealed-capture');
    const halfMade = async () => {
      await rename(place, making);
      return (
        (await substrate.listOwned(site, installation, signal)).things.find(({ handle }) => handle['making'] === artifact.token)?.handle ??
        {}
      );
    };

    const handle = await halfMade();
    expect(handle).toEqual({ making: artifact.token, diskDigest: reference['diskDigest'] });
    await substrate.keepImage(site, handle, signal);
    expect(await substrate.imageExists(site, reference, 'thorough', signal)).toBe(true);

    const damaged = await halfMade();
    await rm(path.join(making, 'disk.qcow2'));
    await writeFile(path.join(making, 'disk.qcow2'), 'what the power left');
    await substrate.keepImage(site, damaged, signal);
    expect(await substrate.imageExists(site, reference, 'quick', signal)).toBe(false);
    await substrate.discardImage(site, reference, signal);
    expect((await substrate.listOwned(site, installation, signal)).things).toEqual([]);
  });

  test('a half-made image that nobody finishes is listed and can be discarded', async () => {
    const making = path.join(dataDir, 'images', '.making-orphan');
    await mkdir(making);
    const [thing] = (await substrate.listOwned(site, installation, signal)).things;
    expect(thing).toMatchObject({ type: 'image', token: 'orphan' });
    if (thing !== undefined) await substrate.discardImage(site, thing.handle, signal);
    expect((await substrate.listOwned(site, installation, signal)).things).toEqual([]);
  });

  test('a machine that was killed is not captured', async () => {
    const machine = await substrate.launch(spec, 'killed' as Token, signal);
    for (const { pid } of await findProcesses(machineFolder('killed'))) process.kill(pid, 'SIGKILL');
    const artifact = { name: 'image', token: 'never' as Token, owner: spec.owner };
    await expect(substrate.capture(machine, keys, artifact, signal)).rejects.toBeInstanceOf(PlatformFault);

    // Nor is one whose host went down while it stopped: its disk was only in the host's memory.
    const file = path.join(machineFolder('killed'), 'machine.json');
    const record = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
    await writeFile(file, JSON.stringify({ ...record, stopping: { kernelChanged: false, boot: 'the one before' } }));
    await expect(substrate.capture(machine, keys, artifact, signal)).rejects.toEqual(
      new PlatformFault("the server's host restarted while the machine was captured"),
    );
    await substrate.destroy(site, machine.token, signal);
    await substrate.destroy(site, 'never' as Token, signal);
    expect((await substrate.listOwned(site, installation, signal)).things).toEqual([]);
  });
});
