import { execFile } from 'node:child_process';
import { open, readFile, rm, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { runEnded, runsOf, runWhen, setRecipe } from './harness/bakes.js';
import { murmur, murmurOk } from './harness/cli.js';
import { machineFolders, machinesOf } from './harness/machines.js';
import { refusal } from './harness/refusals.js';
import { startMurmur } from './harness/running-cli.js';
import { startServer, type TestServer } from './harness/server.js';
import { setTinyImage } from './harness/tiny-base.js';
import { eventually } from './harness/wait.js';

const place = ['murmur-qemu-small', 'murmur-qemu-local'] as const;
const run = promisify(execFile);

/** The parts of `murmur bake`'s first line that tell its answers apart. */
interface Answer {
  readonly outcome: string;
  readonly artifact: string;
}

// Each test goes on with what the one before it left.
describe('baked images', () => {
  let server: TestServer;
  let image = '';
  let artifact = '';

  beforeAll(async () => {
    server = await startServer();
    await setTinyImage(server);
    await setRecipe(server, 'greeter', '#!/bin/sh\necho "echo hello from the image" > /usr/bin/greet\nchmod 755 /usr/bin/greet\n');
    ({ artifact } = await bake());
    const ended = await runEnded(server, 'greeter');
    expect(ended).toMatchObject({ phase: 'completed' });
    image = ended.image_name;
  });
  afterAll(() => server.remove());

  const bake = async (...flags: string[]): Promise<Answer> => {
    const line = (await murmurOk(server, ['bake', ...flags, 'greeter', ...place])).split('\n')[0] ?? '';
    const cached = /^Image (murmur-provision-[0-9a-f]{16}) already cached \(hash: [0-9a-f]{64}\)$/.exec(line);
    if (cached?.[1] !== undefined) return { outcome: 'cached', artifact: cached[1] };
    const other = /^(Bake \w+(?: \w+)?) \(scope: qemu-local, image: (murmur-provision-[0-9a-f]{16}), hash: [0-9a-f]{64}\)$/.exec(line);
    if (other?.[1] === undefined || other[2] === undefined) throw new Error(`not an answer of bake: ${line}`);
    return { outcome: other[1], artifact: other[2] };
  };
  const diskFolder = async (name: string): Promise<string> => {
    const { qemu } = JSON.parse(await murmurOk(server, ['get', 'image', name, '-o', 'json'])) as { qemu: { disk_digest: string } };
    return join(server.dataDir, 'images', qemu.disk_digest.replace(':', '-'));
  };
  const nothingLeft = async (): Promise<void> => {
    await eventually('every machine to be gone', async () =>
      (await machinesOf(server.dataDir)).length === 0 && (await machineFolders(server.dataDir)).length === 0 ? true : undefined,
    );
  };

  it("are tried with the command's own output and exit code", async () => {
    const tried = await murmur(server, ['try', image, ...place, '--', 'sh', '-c', 'greet; echo "it\'s $1" >&2; exit 7', 'sh', 'a "b"  c']);
    expect(tried).toEqual({ code: 7, stdout: 'hello from the image\n', stderr: 'it\'s a "b"  c\n' });
    await nothingLeft();
  });

  it('leave nothing behind when a trial is interrupted', async () => {
    const trial = startMurmur(server, ['try', image, ...place, '--', 'sh', '-c', 'echo up; sleep 600']);
    await trial.says('up\n');
    expect(await machinesOf(server.dataDir)).toHaveLength(1);
    trial.interrupt();
    expect(await trial.ended).toMatchObject({ code: 130, stdout: 'up\n' });
    await nothingLeft();
  });

  it('are exported as one file that stands alone', async () => {
    const file = join(server.dataDir, 'exported.qcow2');
    const said = await murmurOk(server, ['image', 'export', image, file]);
    expect(said).toMatch(/^Exported image "greeter-[0-9a-f]{16}" to .+ \(.+, sha256:[0-9a-f]{64}\)\n$/);
    const { stdout } = await run('qemu-img', ['info', '--output=json', file]);
    const info = JSON.parse(stdout) as Record<string, unknown>;
    expect(info).toMatchObject({ format: 'qcow2' });
    expect(Object.keys(info).filter((key) => key.includes('backing'))).toEqual([]);
    await run('qemu-img', ['check', file]);
    const { faults } = await refusal(server, ['image', 'export', image, file]);
    expect(faults).toEqual([expect.stringContaining(file)]);
    await rm(file);
  });

  it('are served from the cache only while they are whole', async () => {
    expect(await bake()).toEqual({ outcome: 'cached', artifact });
    await flipByte(join(await diskFolder(image), 'disk.qcow2'));

    const again = await bake();
    expect(again).toEqual({ outcome: 'Bake started', artifact: expect.not.stringContaining(artifact) });
    expect(await runEnded(server, 'greeter')).toMatchObject({ phase: 'completed', image_name: `${image}-2` });
    expect(await bake()).toEqual({ ...again, outcome: 'cached' });
    expect((await refusal(server, ['try', image, ...place, '--', 'true'])).faults).toEqual([
      expect.stringMatching(/^FAILED_PRECONDITION: image "greeter-[0-9a-f]{16}": disk sha256:[0-9a-f]{64} is not on this server$/),
    ]);
    artifact = again.artifact;
  });

  it('are baked anew by --force-new, once at a time, and the newest answers from then on', async () => {
    const forced = await bake('--force-new');
    expect(forced).toEqual({ outcome: 'Bake started', artifact: expect.not.stringContaining(artifact) });
    expect(await bake('--force-new')).toEqual({ ...forced, outcome: 'Bake in progress' });
    expect(await bake()).toEqual({ outcome: 'cached', artifact });
    expect(await runEnded(server, 'greeter')).toMatchObject({ phase: 'completed', image_name: `${image}-3` });
    expect(await bake()).toEqual({ ...forced, outcome: 'cached' });
  });

  it('give way to the next older one when deleted, and to a new bake when none is left', async () => {
    await rm(await diskFolder(`${image}-3`), { recursive: true });
    expect(await bake()).toEqual({ outcome: 'cached', artifact });
    const disk = join(await diskFolder(`${image}-2`), 'disk.qcow2');
    await truncate(disk, Math.floor((await stat(disk)).size / 2));
    expect(await bake()).toMatchObject({ outcome: 'Bake started' });
    const { run_id: id } = await runWhen(server, 'greeter', 'the fourth', ({ image_name: name }) => name === `${image}-4`);
    await murmurOk(server, ['bakes', 'cancel', id]);
    expect(await runEnded(server, 'greeter')).toMatchObject({ run_id: id, phase: 'cancelled' });
    expect(await runsOf(server, 'greeter')).toHaveLength(4);
    await nothingLeft();
  });
});

/** Damages a file in the middle without changing its size. */
async function flipByte(file: string): Promise<void> {
  const middle = Math.floor((await readFile(file)).length / 2);
  const handle = await open(file, 'r+');
  try {
    const byte = Buffer.alloc(1);
    await handle.read(byte, 0, 1, middle);
    byte.writeUInt8(byte.readUInt8() ^ 0xff);
    await handle.write(byte, 0, 1, middle);
  } finally {
    await handle.close();
  }
}
