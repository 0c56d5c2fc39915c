import { execFile, type ExecFileOptions } from 'node:child_process';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** What PostgreSQL's programs get to see: none of the caller's PG* variables, messages in English, times in UTC. */
export const postgresEnvironment = { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };

/** Runs a program to its end and returns what it printed. Rejects when it cannot be started or exits with anything but 0. */
export async function run(
  file: string,
  args: readonly string[],
  options: ExecFileOptions = {},
): Promise<{ stdout: string; stderr: string }> {
  const { stdout, stderr } = await execute(file, args, { ...options, encoding: 'utf8', env: postgresEnvironment });
  return { stdout, stderr };
}
