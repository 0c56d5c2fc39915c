import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { runCommand } from '../command.js';
import type { BakeTimes } from './bake-times.js';
import { type Job, packerTemplate } from './template.js';

/**
 * Debian's Packer names no format for the backing file, which QEMU 6.1 and later refuse. With this in front of qemu-img it
 * can use an overlay; without it, it would have to copy the whole base for each bake.
 */
const qemuImg = `#!/bin/sh
if [ "$1" = create ]; then shift; exec /usr/bin/qemu-img create -F qcow2 "$@"; fi
exec /usr/bin/qemu-img "$@"
`;

/** Bakes a job once with Packer in this folder and throws the image away. */
export async function bakeWithPacker(job: Job, folder: string): Promise<BakeTimes> {
  const output = join(folder, 'output');
  const programs = join(folder, 'programs');
  const template = join(folder, 'template.json');
  await mkdir(programs, { recursive: true });
  await writeFile(join(programs, 'qemu-img'), qemuImg);
  await chmod(join(programs, 'qemu-img'), 0o755);
  await writeFile(template, JSON.stringify(packerTemplate(job, output), undefined, 2));
  await rm(output, { recursive: true, force: true });

  const began = performance.now();
  const moments = new Map<string, number>();
  const marks = ['Connected to SSH!', 'Provisioning with shell script', 'Gracefully halting'];
  const { seconds } = await runCommand(['packer', 'build', '-color=false', '-machine-readable', template], {
    cwd: folder,
    env: {
      PATH: `${programs}:${process.env['PATH'] ?? ''}`,
      PACKER_CACHE_DIR: join(folder, 'cache'),
      CHECKPOINT_DISABLE: '1',
    },
    onLine: (line) => {
      const mark = marks.find((one) => line.includes(one));
      if (mark !== undefined) moments.set(mark, (performance.now() - began) / 1000);
    },
  });
  const at = (mark: string) => {
    const moment = moments.get(mark);
    if (moment === undefined) throw new Error(`Packer never said "${mark}"`);
    return moment;
  };
  const boot = at('Connected to SSH!');
  const scriptEnd = at('Gracefully halting');
  await rm(output, { recursive: true, force: true });
  return { total: seconds, boot, script: scriptEnd - boot, capture: seconds - scriptEnd };
}
