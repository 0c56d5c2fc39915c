import { spawn } from 'node:child_process';

import { murmurBinary, type TestServer } from './server.js';

/** What a finished command said. */
export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Where a command goes, and the folder it runs in. */
type Target = Pick<TestServer, 'dataDir' | 'url' | 'apiKey'>;

/** Runs the real `murmur` against a server and waits for its end. */
export function murmur(
  server: Target,
  args: readonly string[],
  options: { stdin?: string; env?: Record<string, string> } = {},
): Promise<CliResult> {
  const child = spawn(process.execPath, [murmurBinary, ...args], {
    cwd: server.dataDir,
    env: { ...process.env, MURMUR_SERVER: server.url, MURMUR_API_KEY: server.apiKey, ...options.env },
  });
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.stdin ?? '');
  const collect = async (stream: NodeJS.ReadableStream): Promise<string> => {
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(Buffer.from(chunk));
    return Buffer.concat(chunks).toString('utf8');
  };
  const exit = new Promise<number | null>((settle, fail) => {
    child.once('error', fail);
    child.once('exit', (code) => settle(code));
  });
  return Promise.all([exit, collect(child.stdout), collect(child.stderr)]).then(([code, stdout, stderr]) => ({ code, stdout, stderr }));
}

/** Runs a command that must succeed; gives its standard output. */
export async function murmurOk(server: Target, args: readonly string[], options: { stdin?: string } = {}): Promise<string> {
  const result = await murmur(server, args, options);
  if (result.code !== 0) throw new Error(`murmur ${args.join(' ')} exited with ${String(result.code)}\n${result.stdout}\n${result.stderr}`);
  return result.stdout;
}
