import { spawn } from 'node:child_process';

/** What a program on the server's host is run with. */
export interface HostCommandOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** Gets every whole line of output, of both streams, as it comes. */
  readonly onLine?: (line: string) => void;
}

/** A program on the server's host could not be started or ended with another status than 0. */
export class HostCommandError extends Error {
  override readonly name = 'HostCommandError';
}

/** The environment of every program we start: enough to find and run it, and nothing of the server's own. */
export function plainEnvironment(): Record<string, string> {
  const inherited = ['http_proxy', 'https_proxy', 'no_proxy', 'TMPDIR'].flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return {
    PATH: `${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin`,
    LC_ALL: 'C.UTF-8',
    ...Object.fromEntries(inherited),
  };
}

/** Runs a program to its end and returns its standard output. Throws {@link HostCommandError} with its last lines. */
export function runOnHost(program: string, args: readonly string[], options: HostCommandOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...plainEnvironment(), ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    const stdout: string[] = [];
    let last = '';
    let rest = '';
    const take = (chunk: string) => {
      last = (last + chunk).slice(-2000);
      if (options.onLine === undefined) return;
      const lines = (rest + chunk).split(/\r?\n/);
      rest = lines.pop() ?? '';
      for (const line of lines) options.onLine(line);
    };
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      stdout.push(chunk);
      take(chunk);
    });
    child.stderr.setEncoding('utf8').on('data', take);
    child.on('error', (error) =>
      reject(
        options.signal?.aborted === true
          ? options.signal.reason
          : new HostCommandError(`cannot run ${program}: ${error.message}`, { cause: error }),
      ),
    );
    child.on('close', (code, signal) => {
      if (code === 0) return resolve(stdout.join(''));
      reject(new HostCommandError(`${program} ended with ${code ?? signal}: ${last.trim()}`));
    });
  });
}

/** Runs a long program that ends when the server does, however the server ends. */
export async function runWithServer(program: string, args: readonly string[], options: HostCommandOptions = {}): Promise<void> {
  await runOnHost('setpriv', ['--pdeathsig', 'TERM', program, ...args], options);
}
