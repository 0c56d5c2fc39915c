import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { aptSources } from './debian-mirror.js';
import { runWithServer, type HostCommandOptions } from './host-command.js';

/** Memory of the host. */
const memory = '/dev/shm';
const authFolder = '"$1/etc/apt/auth.conf.d"';

/** How a Debian system is made. */
export interface DebstrapOptions extends HostCommandOptions {
  /** Where this host's apt is told its mirrors; `/etc/apt` unless a test has another. */
  readonly aptFolder?: string | undefined;
}

/**
 * Runs mmdebstrap with these arguments and this host's mirrors. Credentials that a mirror wants are lent to apt in memory that
 * is gone before the system is written out: they are in no argument, and in no file of the system.
 */
export async function debstrap(args: readonly string[], { aptFolder, ...options }: DebstrapOptions): Promise<void> {
  const { auth, lines } = await aptSources(aptFolder);
  if (auth === '') return await runWithServer('mmdebstrap', [...args, ...lines], options);
  const folder = await mkdtemp(path.join(memory, 'murmur-apt-'));
  try {
    const file = path.join(folder, 'auth.conf');
    await writeFile(file, auth, { mode: 0o600 });
    const lent = [
      `--setup-hook=mkdir -p ${authFolder} && mount -t tmpfs -o mode=0755,size=1m murmur ${authFolder}`,
      `--setup-hook=upload ${file} /etc/apt/auth.conf.d/murmur.conf`,
      `--customize-hook=umount ${authFolder}`,
    ];
    // As root the mount would be the host's; so nobody else sees it, and it is gone with a build that is killed.
    const [program, ...before] = process.getuid?.() === 0 ? ['unshare', '--mount', 'mmdebstrap'] : ['mmdebstrap'];
    await runWithServer(program ?? 'mmdebstrap', [...before, ...lent, ...args, ...lines], options);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
