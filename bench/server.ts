import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { murmur } from './command.js';

/** A server of the benchmark's own. */
export interface BenchServer extends AsyncDisposable {
  /** The environment in which `murmur` talks to it. */
  readonly env: NodeJS.ProcessEnv;
  /** Its process id. */
  readonly pid: number;
  readonly url: string;
  /** The key of its first tenant's operator. */
  readonly key: string;
}

/** Starts a server on a free port over this data folder; its log goes to `server.log` there. */
export async function startServer(dataDir: string, options: { readonly env?: NodeJS.ProcessEnv } = {}): Promise<BenchServer> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const log = openSync(join(dataDir, 'server.log'), 'a');
  const child = spawn(murmur, ['server', '--listen', '127.0.0.1:0', '--data-dir', dataDir], {
    stdio: ['ignore', 'pipe', log],
    env: { ...process.env, ...options.env },
  });
  closeSync(log);
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
  });
  const url = await new Promise<string>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}; its log is ${join(dataDir, 'server.log')}`)));
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const ready = /listening on (?<url>\S+)/.exec(text)?.groups?.['url'];
      if (ready !== undefined) resolve(ready);
    });
  });
  const key = (await readFile(join(dataDir, 'admin.key'), 'utf8')).trim();
  return {
    env: { MURMUR_SERVER: url, MURMUR_API_KEY: key, MURMUR_TENANT: '' },
    pid: child.pid ?? 0,
    url,
    key,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}
