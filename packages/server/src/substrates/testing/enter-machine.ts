import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';

import { type CommandResult, type GuestChannel, PlatformFault } from '../substrate.js';

const environment = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };

/** A channel into the namespaces that this process made for its child. */
export async function enterMachine(pid: number): Promise<GuestChannel> {
  const inside = await firstChild(pid);
  const stream: GuestChannel['stream'] = (command, sink, options = {}) =>
    new Promise((resolve, reject) => {
      const args = ['--target', String(inside), '--mount', '--pid', '--root', '--wd=/', '/bin/sh', '-c', command];
      const child = spawn('nsenter', args, { env: environment, detached: true });
      const stop = () => {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      };
      options.signal?.addEventListener('abort', stop, { once: true });
      child.stdout.on('data', sink.stdout);
      child.stderr.on('data', sink.stderr);
      child.stdin.on('error', () => undefined);
      child.once('error', reject);
      child.once('close', (code) => {
        options.signal?.removeEventListener('abort', stop);
        if (options.signal?.aborted === true) reject(options.signal.reason as Error);
        else if (code === null) reject(new PlatformFault('the machine is gone'));
        else resolve(code);
      });
      child.stdin.end(options.stdin);
    });
  return {
    stream,
    async run(command, options): Promise<CommandResult> {
      const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
      const sink = { stdout: (chunk: Buffer) => void stdout.push(chunk), stderr: (chunk: Buffer) => void stderr.push(chunk) };
      const exitCode = await stream(command, sink, options);
      return { exitCode, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() };
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** The process that runs inside, which the outer one starts a moment after itself. */
async function firstChild(pid: number): Promise<number> {
  for (let looks = 0; looks < 500; looks += 1) {
    const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
    const [child] = children.trim().split(' ');
    if (child !== undefined && child !== '' && (await runs(child))) return Number(child);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new PlatformFault('the machine did not start');
}

/** Whether it has become the program that it keeps running, in the root it was given. */
async function runs(pid: string): Promise<boolean> {
  return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).startsWith('/bin/sleep');
}
