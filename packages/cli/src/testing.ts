import { Readable } from 'node:stream';

import type { Output, Surroundings } from './surroundings.js';
import { runCli } from './run.js';

/** An output that remembers. */
export interface RecordedOutput extends Output {
  text(): string;
}

/** Surroundings whose outputs can be read back, and whose Ctrl-C a test can press. */
export interface TestSurroundings extends Surroundings {
  readonly stdout: RecordedOutput;
  readonly stderr: RecordedOutput;
  interrupt(): void;
}

/** What a test wants to be different from an empty environment. */
export interface TestOptions {
  readonly stdin?: string | Buffer;
  /** Whether what is read looks like a person typing, and what is written like a screen. */
  readonly terminal?: 'stdin' | 'output';
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
}

/** Surroundings for tests: nothing is inherited from the process that runs them. */
export function testSurroundings({ stdin = '', terminal, env = {}, cwd = '/' }: TestOptions = {}): TestSurroundings {
  const controller = new AbortController();
  return {
    stdin: Object.assign(Readable.from(stdin.length === 0 ? [] : [Buffer.from(stdin)]), { isTTY: terminal === 'stdin' }),
    stdout: recordedOutput(terminal === 'output'),
    stderr: recordedOutput(terminal === 'output'),
    env,
    cwd,
    home: '/nonexistent',
    isRoot: false,
    interruption: () => controller.signal,
    interrupt: () => controller.abort(),
  };
}

/** What one command line printed, and its exit code. */
export interface CliResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one command line in surroundings of its own. */
export async function runForTest(args: readonly string[], options: TestOptions = {}): Promise<CliResult> {
  const surroundings = testSurroundings(options);
  const code = await runCli(args, surroundings);
  return { code, stdout: surroundings.stdout.text(), stderr: surroundings.stderr.text() };
}

function recordedOutput(isTTY: boolean): RecordedOutput {
  const chunks: Buffer[] = [];
  return {
    isTTY,
    write(chunk, taken) {
      chunks.push(typeof chunk === 'string' ? Buffer.from(chunk) : Buffer.from(chunk));
      if (taken !== undefined) queueMicrotask(taken);
    },
    text: () => Buffer.concat(chunks).toString('utf8'),
  };
}
