import { spawn } from 'node:child_process';

import type { CliResult } from './cli.js';
import { murmurBinary, type TestServer } from './server.js';
import { eventually } from './wait.js';

/** A `murmur` that is still running. */
export interface RunningCli {
  readonly ended: Promise<CliResult>;
  /** Waits until standard output or error holds a text. */
  says(text: string): Promise<void>;
  /** What Ctrl-C does. */
  interrupt(): void;
}

/** Starts the real `murmur` against a server, and leaves it running. */
export function startMurmur(server: TestServer, args: readonly string[]): RunningCli {
  const child = spawn(process.execPath, [murmurBinary, ...args], {
    cwd: server.dataDir,
    env: { ...process.env, MURMUR_SERVER: server.url, MURMUR_API_KEY: server.apiKey },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.stderr += text));
  const ended = new Promise<CliResult>((settle, fail) => {
    child.once('error', fail);
    child.once('close', (code) => settle({ code, ...said }));
  });
  return {
    ended,
    async says(text) {
      await eventually(`"${text}" from murmur ${args.join(' ')}`, async () =>
        said.stdout.includes(text) || said.stderr.includes(text) ? true : undefined,
      );
    },
    interrupt: () => void child.kill('SIGINT'),
  };
}
