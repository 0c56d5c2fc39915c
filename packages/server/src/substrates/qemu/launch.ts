import { spawn } from 'node:child_process';
import { mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { MurmurError } from '@murmur/api';

import { remakeRuntimeDir } from '../../host/runtime-dir.js';
import { PlatformFault, type GuestKeys, type LaunchSpec, type Token } from '../substrate.js';
import type { AcceleratorProbe } from './accelerator.js';
import { removeTable } from '../guest-firewall.js';
import { plainEnvironment, runOnHost } from '../host-command.js';
import type { Isolation } from './isolation.js';
import { controlSocket, eventSocket, imageFolder, machineFolder, relativeDisk, type Layout } from './layout.js';
import { findQemu, isRunning, killProcesses, type ProcessIdentity } from './machine-process.js';
import { readMachine, writeMachine, type MachineRecord } from './machine-record.js';
import { type Manifest, readManifest } from './manifest.js';
import { qemuArguments, qemuProgram } from './qemu-program.js';
import { forwardedPort, QmpError } from './qmp.js';

const startMs = 20_000;
/** Of what QEMU says: why it did not start comes first. */
const logBytes = 64 * 1024;
/** No program that QEMU could ever start gets more than QEMU has. */
const noNewPrivileges = ['setpriv', '--no-new-privs', '--'];

/**
 * Runs QEMU under `timeout`, in a session of its own, so that neither the server's end nor its restart reaches it. When the
 * machine's time is over the folder goes too; when QEMU ends for another reason the folder stays for whoever asked. The table of
 * the firewall goes in either case, and before the folder, which has its name.
 */
const watchdog = `end=$(($(date +%s) + $1)); table=$2; folder=$3; control=$4; events=$5; shift 5
ulimit -c 0
timeout -k 10 "$((end - $(date +%s)))" "$@" 2>&1 | { head -c ${logBytes}; cat >/dev/null; }
[ -z "$table" ] || nft "add table inet $table; delete table inet $table" || exit
if [ "$(date +%s)" -ge "$end" ]; then rm -rf "$folder" "$control" "$events"; fi`;

/** What a host gives its machines. */
export interface MachineHost {
  readonly probe: AcceleratorProbe;
  readonly isolation: Isolation;
}

/** Starts the machine of this token, or finds it running. */
export async function launchMachine(layout: Layout, host: MachineHost, spec: LaunchSpec, token: Token): Promise<MachineRecord> {
  const folder = machineFolder(layout, token);
  const running = await findMachine(layout, token);
  if (running !== undefined) return running;
  // Whatever lies here never came up or has ended: nothing in it can be trusted to be whole.
  await removeMachine(layout, token);
  // A run whose host is gone begins anew where its base image may never have been.
  await manifestOf(layout, spec);
  const record = await prepare(layout, host.isolation, spec, token);
  const seed = await writeSeed(folder, spec.keys);
  await start(layout, host.probe, spec, record, seed);
  const started = await attach(layout, record);
  // QEMU has read the keys by now and holds them in its memory only.
  for (const file of seed.values()) await rm(file, { force: true });
  return started;
}

/** The running machine of this token, found by its process, or undefined. Waits for one that is just starting. */
export async function findMachine(layout: Layout, token: Token): Promise<MachineRecord | undefined> {
  const record = await readMachine(layout, token);
  if (record === undefined) return undefined;
  if (record.process !== undefined && record.port !== undefined) return (await isRunning(record.process)) ? record : undefined;
  const process = await findQemu(machineFolder(layout, token));
  return process === undefined ? undefined : attach(layout, record);
}

/** Kills whatever runs for this token and removes all its files. */
export async function removeMachine(layout: Layout, token: Token): Promise<void> {
  const folder = machineFolder(layout, token);
  await killProcesses(folder);
  const table = (await readMachine(layout, token))?.isolation?.table;
  if (table !== undefined) await removeTable(table);
  await rm(folder, { recursive: true, force: true });
  for (const socket of [controlSocket(layout, token), eventSocket(layout, token)]) await rm(socket, { force: true });
}

async function manifestOf(layout: Layout, { base }: LaunchSpec): Promise<Manifest> {
  const manifest = await readManifest(layout, base.immutableId);
  if (manifest !== undefined) return manifest;
  throw new MurmurError('FAILED_PRECONDITION', `the disk of the base image, ${base.immutableId}, is not on this host`, {
    hint: 'Build the base image here with "murmur base build", and bake again.',
  });
}

async function prepare(layout: Layout, isolation: Isolation, spec: LaunchSpec, token: Token): Promise<MachineRecord> {
  const folder = machineFolder(layout, token);
  const now = Date.now();
  let record: MachineRecord = {
    token,
    owner: spec.owner,
    base: spec.base.immutableId,
    createdAt: now,
    endsAt: now + spec.lifetimeSeconds * 1000,
  };
  await mkdir(folder, { mode: 0o700 });
  await writeMachine(layout, record);
  await isolation.closeOff(async (isolated) => {
    record = { ...record, isolation: isolated };
    await writeMachine(layout, record);
  });
  const size = spec.diskSizeGb > 0 ? [`${spec.diskSizeGb}G`] : [];
  await runOnHost('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', relativeDisk(record.base), 'disk.qcow2', ...size], {
    cwd: folder,
  });
  return record;
}

/** The keys go to the guest through QEMU's firmware configuration: files named in the arguments, never their content. */
async function writeSeed(folder: string, keys: GuestKeys): Promise<ReadonlyMap<string, string>> {
  const seed = new Map([
    ['opt/murmur/host-key', { file: path.join(folder, 'host-key'), content: keys.hostPrivate }],
    ['opt/murmur/client-key', { file: path.join(folder, 'client-key.pub'), content: `${keys.clientPublic}\n` }],
  ]);
  for (const { file, content } of seed.values()) await writeFile(file, content, { mode: 0o600 });
  return new Map([...seed].map(([name, { file }]) => [name, file]));
}

async function start(
  layout: Layout,
  probe: AcceleratorProbe,
  spec: LaunchSpec,
  { token, isolation }: MachineRecord,
  seed: ReadonlyMap<string, string>,
): Promise<void> {
  const folder = machineFolder(layout, token);
  const image = imageFolder(layout, spec.base.immutableId);
  const manifest = await manifestOf(layout, spec);
  const kernel = path.join(image, 'kernel');
  const sockets = { controlSocket: controlSocket(layout, token), eventSocket: eventSocket(layout, token) };
  const args = qemuArguments({
    token,
    folder,
    ...sockets,
    user: isolation?.user,
    accelerator: await probe.of(kernel),
    vcpus: spec.vcpus,
    memoryMb: spec.memoryMb,
    kernel,
    initrd: path.join(image, 'initrd'),
    commandLine: manifest.commandLine,
    seed,
  });
  await remakeRuntimeDir(layout.runtimeDir);
  const log = await open(path.join(folder, 'qemu.log'), 'a', 0o600);
  try {
    const program = [
      '-c',
      watchdog,
      'murmur-machine',
      String(spec.lifetimeSeconds),
      isolation?.table ?? '',
      folder,
      ...Object.values(sockets),
      ...noNewPrivileges,
      qemuProgram,
      ...args,
    ];
    const child = spawn('/bin/sh', program, { detached: true, cwd: folder, env: plainEnvironment(), stdio: ['ignore', log.fd, log.fd] });
    await new Promise<void>((resolve, reject) => child.once('spawn', resolve).once('error', reject));
    child.unref();
  } finally {
    await log.close();
  }
}

/** Waits until the machine's QEMU answers and records where it is. */
async function attach(layout: Layout, record: MachineRecord): Promise<MachineRecord> {
  const folder = machineFolder(layout, record.token);
  const limit = performance.now() + startMs;
  let process: ProcessIdentity | undefined;
  for (;;) {
    try {
      const port = await forwardedPort(controlSocket(layout, record.token));
      process = await findQemu(folder);
      if (process !== undefined) {
        const started: MachineRecord = { ...record, port, process };
        await writeMachine(layout, started);
        return started;
      }
    } catch (error) {
      if (!(error instanceof QmpError)) throw error;
      if (performance.now() > limit) throw new PlatformFault(`the machine did not start: ${await lastWords(folder)}`, { cause: error });
    }
    await delay(20);
    if (performance.now() > limit - startMs + 5000 && (await findQemu(folder)) === undefined) {
      throw new PlatformFault(`the machine did not start: ${await lastWords(folder)}`);
    }
  }
}

async function lastWords(folder: string): Promise<string> {
  const text = await readFile(path.join(folder, 'qemu.log'), 'utf8').catch(() => '');
  return text.trim().slice(-500) || 'QEMU said nothing';
}
