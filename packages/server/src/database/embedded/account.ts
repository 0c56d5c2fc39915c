import { chmod, chown, lstat, readdir } from 'node:fs/promises';
import path from 'node:path';

import { MurmurError } from '@murmur/api';

import { run } from './run.js';

/**
 * Who PostgreSQL runs as, since it refuses to be root.
 *
 * - `self`: we are not root, so it may run as we do.
 * - `user-namespace`: still root's id outside, so it reaches data and programs below a 0700 folder, but an unprivileged
 *   one inside, and without any of root's capabilities.
 * - `other-user`: where user namespaces are forbidden. It owns its data, and needs a way through every folder above it.
 */
export type Account =
  | { readonly kind: 'self' }
  | { readonly kind: 'user-namespace' }
  | { readonly kind: 'other-user'; readonly uid: number; readonly gid: number };

/** A program and its arguments, as `spawn` takes them. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly options: { readonly uid?: number; readonly gid?: number };
}

/** The id of `nobody`, inside the namespace and outside. */
const nobody = 65_534;
const namespaceArgs = ['--user', `--map-user=${nobody}`, `--map-group=${nobody}`];

/** Picks the account by trying. */
export async function chooseAccount(): Promise<Account> {
  if (process.getuid?.() !== 0) return { kind: 'self' };
  try {
    await run('unshare', [...namespaceArgs, 'true']);
    return { kind: 'user-namespace' };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { kind: 'other-user', uid: nobody, gid: nobody };
  }
}

/** The command that runs a program as this account. `unshare` and the change of user both end in an exec: the process id is the program's. */
export function commandAs(account: Account, file: string, args: readonly string[]): Command {
  if (account.kind === 'user-namespace') return { file: 'unshare', args: [...namespaceArgs, file, ...args], options: {} };
  return { file, args, options: account.kind === 'other-user' ? { uid: account.uid, gid: account.gid } : {} };
}

/** Gives a folder and all in it to the account. Files made in a user namespace belong to root outside of it. */
export async function giveTo(account: Account, folder: string): Promise<void> {
  if (account.kind === 'self') return;
  const { uid, gid } = account.kind === 'other-user' ? account : { uid: 0, gid: 0 };
  if ((await lstat(folder)).uid === uid) return;
  const inside = await readdir(folder, { recursive: true });
  for (const entry of inside) await chown(path.join(folder, entry), uid, gid);
  // Last, so that an interrupted change is taken up again.
  await chown(folder, uid, gid);
}

/** Lets the account pass through a folder of ours on the way to its own, without letting it list what is there. */
export async function letThrough(account: Account, folder: string): Promise<void> {
  if (account.kind === 'other-user') await chmod(folder, (await lstat(folder)).mode | 0o011);
}

/** Checks that the account can run the program and enter the folder; throws FAILED_PRECONDITION naming what it cannot reach. */
export async function checkReach(account: Account, program: string, folder: string): Promise<void> {
  if (account.kind !== 'other-user') return;
  for (const [file, check] of [
    [program, ['--version']],
    ['/bin/sh', ['-c', 'cd "$0"', folder]],
  ] as const) {
    const command = commandAs(account, file, check);
    try {
      await run(command.file, command.args, command.options);
    } catch (cause) {
      throw new MurmurError(
        'FAILED_PRECONDITION',
        `PostgreSQL does not run as root, user namespaces are forbidden here, and user ${account.uid} cannot reach ${file === program ? program : folder}`,
        {
          cause,
          hint: 'Allow user namespaces, run the server as another user than root, put data and program below folders open to all, or give a PostgreSQL of your own with `--database-url`.',
        },
      );
    }
  }
}
