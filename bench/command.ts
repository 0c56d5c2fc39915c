import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The `murmur` of this tree. */
export const murmur = fileURLToPath(new URL('../../bin/murmur', import.meta.url));

/** What a command printed and how long it took, from its start to its end. */
export interface Finished {
  readonly stdout: string;
  readonly stderr: string;
  readonly seconds: number;
}

/** Runs a command to its end. Rejects with its output when it fails. */
export async function runCommand(
  command: readonly [string, ...string[]],
  options: { env?: NodeJS.ProcessEnv; cwd?: string; stdin?: string; onLine?: (line: string) => void } = {},
): Promise<Finished> {
  const [program, ...args] = command;
  const began = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: options.cwd, env: { ...process.env, ...options.env }, stdio: ['pipe', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    let started = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      if (options.onLine === undefined) return;
      const lines = (started + text).split('\n');
      started = lines.pop() ?? '';
      for (const line of lines) options.onLine(line);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.once('error', reject);
    child.once('close', (code) => {
      const seconds = (performance.now() - began) / 1000;
      if (code === 0) resolve({ stdout, stderr, seconds });
      else reject(new Error(`${command.join(' ')} ended with ${code}\n${stdout}${stderr}`));
    });
    child.stdin.end(options.stdin ?? '');
  });
}
