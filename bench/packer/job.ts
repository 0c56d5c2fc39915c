import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { murmur, runCommand } from '../command.js';
import { environment } from './murmur-bake.js';
import type { Job } from './template.js';

/** What Murmur itself boots for a bake, read from its catalog and its data folder, for Packer to boot the same. */
export async function describeJob(parts: { dataDir: string; folder: string; script: string; env: NodeJS.ProcessEnv }): Promise<Job> {
  const get = async <T>(kind: string, name: string): Promise<T> => {
    const { stdout } = await runCommand([murmur, 'get', kind, name, '-o', 'json'], { env: parts.env });
    return JSON.parse(stdout) as T;
  };
  const base = await get<{ qemu: { disk_digest: string } }>('image', 'murmur-qemu-base');
  const { machine_type_ref } = await get<{ machine_type_ref: string }>('environment', environment);
  const machineType = await get<{ vcpus: number; memory_gb: number }>('machine-type', machine_type_ref);
  const image = join(parts.dataDir, 'images', base.qemu.disk_digest.replace(':', '-'));
  const manifest = JSON.parse(await readFile(join(image, 'manifest.json'), 'utf8')) as {
    commandLine: string;
    disk: { virtualSize: number };
  };
  const probed = JSON.parse(await readFile(join(parts.dataDir, 'accelerator.json'), 'utf8')) as { accelerator: Job['accelerator'] };
  const [clientKey, hostKey] = await Promise.all([makeKey(join(parts.folder, 'client')), makeKey(join(parts.folder, 'host'))]);
  return {
    disk: join(image, 'disk.qcow2'),
    diskBytes: manifest.disk.virtualSize,
    kernel: join(image, 'kernel'),
    initrd: join(image, 'initrd'),
    commandLine: manifest.commandLine,
    vcpus: machineType.vcpus,
    memoryMb: machineType.memory_gb * 1024,
    accelerator: probed.accelerator,
    clientKey,
    clientPublicKey: `${clientKey}.pub`,
    hostKey,
    script: parts.script,
  };
}

async function makeKey(file: string): Promise<string> {
  await runCommand(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', file]);
  return file;
}
