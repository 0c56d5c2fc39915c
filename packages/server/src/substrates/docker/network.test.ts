import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { create } from '@bufbuild/protobuf';
import { PlacementSchema } from '@murmur/api';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { deriveGuestKeys } from '../guest-keys.js';
import type { GuestReach } from '../guest-reach.js';
import { runOnHost } from '../host-command.js';
import type { Machine, Token } from '../substrate.js';
import { connectEngine } from './engine.js';
import { createDockerSubstrate, type DockerSubstrate } from './index.js';
import { startTestEngine, type TestEngine } from './testing-engine.js';

const { signal } = new AbortController();
const keys = deriveGuestKeys(randomBytes(64));
const [port, listening] = [8000, 'listening'];
const service = `require('net').createServer((s) => s.on('error', () => 0).end('a service\\n')).listen(${port}, '0.0.0.0', () => console.log('${listening}'))`;

/** The engine's host itself, a cloud's metadata there, and another host that has a private and a public address. */
const [ownPrivate, metadata, otherPrivate, otherPublic] = ['10.213.0.1', '169.254.169.254', '10.214.0.2', '198.51.100.2'];

/** The test engine's network is a namespace of its own, which stands for the host: programs that are asked about it go in there. */
describe.skipIf(process.getuid?.() !== 0)('containers and their host', () => {
  const children: ChildProcess[] = [];
  const path_ = process.env['PATH'];
  let engine: TestEngine;
  let substrate: DockerSubstrate;
  let said: string[] = [];

  const start = async (command: string, args: readonly string[]): Promise<number> => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(child);
    if (child.stdout === null || child.pid === undefined) throw new Error(`${command} did not start`);
    await once(child.stdout, 'data');
    return child.pid;
  };
  const inHost = (...command: string[]) => runOnHost('nsenter', ['-t', String(engine.pid()), '--net', ...command]);

  beforeAll(async () => {
    engine = await startTestEngine();
    const other = await start('unshare', ['--net', process.execPath, '-e', service]);
    const inOther = (...command: string[]) => runOnHost('nsenter', ['-t', String(other), '--net', ...command]);
    for (const address of [ownPrivate, metadata]) await inHost('ip', 'address', 'add', `${address}/32`, 'dev', 'lo');
    await inHost('ip', 'link', 'add', 'out', 'type', 'veth', 'peer', 'name', 'in', 'netns', String(other));
    for (const address of ['198.51.100.1/24', '10.214.0.1/24']) await inHost('ip', 'address', 'add', address, 'dev', 'out');
    for (const address of [`${otherPublic}/24`, `${otherPrivate}/24`]) await inOther('ip', 'address', 'add', address, 'dev', 'in');
    await inHost('ip', 'link', 'set', 'out', 'up');
    await inOther('ip', 'link', 'set', 'in', 'up');
    await inOther('ip', 'route', 'add', 'default', 'via', '198.51.100.1');
    await inHost('sh', '-c', 'echo 1 >/proc/sys/net/ipv4/ip_forward');
    await start('nsenter', ['-t', String(engine.pid()), '--net', process.execPath, '-e', service]);

    const programs = path.join(engine.folder, 'programs');
    await mkdir(programs);
    for (const name of ['nft', 'ip']) {
      const real = (await runOnHost('sh', ['-c', `command -v ${name}`])).trim();
      await writeFile(path.join(programs, name), `#!/bin/sh\nexec nsenter -t ${engine.pid()} --net ${real} "$@"\n`, { mode: 0o755 });
    }
    process.env['PATH'] = `${programs}:${path_}`;
    substrate = await open();
  }, 120_000);
  afterAll(async () => {
    process.env['PATH'] = path_;
    for (const child of children) child.kill('SIGKILL');
    await engine[Symbol.asyncDispose]();
  });

  const open = (reach?: GuestReach) => {
    said = [];
    const log = pino({ level: 'warn', base: null }, { write: (line) => said.push(line) });
    const parts = { socket: engine.socket, dataDir: engine.folder, installation: 'network', log };
    return createDockerSubstrate({ ...parts, ...(reach === undefined ? {} : { reach }) });
  };

  /** Starts a container, or finds it. */
  const launch = async (token: string): Promise<Machine> => {
    const site = substrate.siteOf(create(PlacementSchema), '');
    return substrate.launch(
      {
        ...{ owner: { installation: 'network', tenant: 'local/default', runId: 'run' }, site, attempt: 1, vcpus: 1, memoryMb: 64 },
        ...{ base: { immutableId: engine.base, architecture: 'AMD64' }, machineType: '', diskType: '', diskSizeGb: 0, keys },
        lifetimeSeconds: 600,
      },
      token as Token,
      signal,
    );
  };
  const everywhere = async () => {
    const [{ Gateway: gateway = '' } = {}] = (await networkOf()).IPAM?.Config ?? [];
    return [gateway, ownPrivate, metadata, otherPrivate, otherPublic];
  };
  const networkOf = async () => {
    const { docker } = await connectEngine(engine.socket);
    const [found] = await docker.listNetworks({ filters: JSON.stringify({ name: ['murmur-'] }) });
    if (found === undefined) throw new Error('there is no network for containers');
    return found;
  };
  const reached = async (machine: Machine): Promise<string[]> => {
    await using channel = await substrate.channel(machine, keys, signal);
    const tries = (await everywhere()).map(
      (address) => `/bin/busybox nc -w 10 ${address} ${port} </dev/null 2>&1 | grep -q service && echo ${address}`,
    );
    return (await channel.run(`${tries.join('; ')}; true`, { signal })).stdout.trim().split('\n').filter(Boolean);
  };

  test('a container reaches the internet, and neither its host, its metadata nor a private address', { timeout: 120_000 }, async () => {
    expect(said).toEqual([]);
    expect(await reached(await launch('closed-1-launch'))).toEqual([otherPublic]);
  });

  test('what the operator lists is reached too', { timeout: 120_000 }, async () => {
    substrate = await open(['internet', `${otherPrivate}/32`, `${metadata}/32`]);
    expect(await reached(await launch('closed-1-launch'))).toEqual([metadata, otherPrivate, otherPublic]);
    substrate = await open();
    expect(await reached(await launch('closed-1-launch'))).toEqual([otherPublic]);
  });

  test('a table that was flushed is put back, and the log says so', { timeout: 120_000 }, async () => {
    const machine = await launch('closed-1-launch');
    await inHost('nft', 'flush', 'ruleset');
    expect(await reached(machine)).toEqual(await everywhere());
    said = [];
    await substrate.guard();
    expect(await reached(machine)).toEqual([otherPublic]);
    expect(said.join('')).toContain('it is back');
    said = [];
    await substrate.guard();
    expect(said).toEqual([]);
  });

  test('a network that was pruned is made again for the next container', { timeout: 120_000 }, async () => {
    const site = substrate.siteOf(create(PlacementSchema), '');
    await substrate.destroy(site, 'closed-1-launch' as Token, signal);
    const { docker } = await connectEngine(engine.socket);
    await docker.getNetwork((await networkOf()).Id).remove();
    expect(await reached(await launch('again-1-launch'))).toEqual([otherPublic]);
    await substrate.destroy(site, 'again-1-launch' as Token, signal);
  });

  test('an engine whose network is not this host’s is told at the start, and its containers run all the same', async () => {
    process.env['PATH'] = path_;
    substrate = await open();
    expect(said.join('')).toContain('nothing holds the connections of containers back');
    const machine = await launch('elsewhere-1-launch');
    await using channel = await substrate.channel(machine, keys, signal);
    expect((await channel.run('echo runs', { signal })).stdout).toBe('runs\n');
  });
});
