import { spawn, spawnSync } from 'node:child_process';

import { expect, test } from 'vitest';

import { frameCommand } from './command-frame.js';

/** Runs a framed command as a login would: by its shell, after whatever its start files print. */
async function loggedIn(command: string, options: { readonly shell?: string; readonly greeting?: string; readonly stdin?: string } = {}) {
  const out = { stdout: '', stderr: '' };
  const framed = frameCommand(command, {
    stdout: (chunk) => void (out.stdout += chunk.toString()),
    stderr: (chunk) => void (out.stderr += chunk.toString()),
  });
  const child = spawn(options.shell ?? 'bash', ['-c', `${options.greeting ?? ''}\n${framed.command}`]);
  child.stdout.on('data', framed.sink.stdout);
  child.stderr.on('data', framed.sink.stderr);
  // Who says nothing reads nothing, and may be gone already.
  child.stdin.on('error', () => undefined).end(options.stdin ?? '');
  const exitCode = await new Promise((resolve) => child.once('close', resolve));
  return { ...out, exitCode, framed };
}

const shells = ['sh', 'bash', 'zsh', 'fish', 'csh', 'ksh'].filter((shell) => spawnSync('sh', ['-c', `command -v ${shell}`]).status === 0);

test('what start files print is not taken for an answer, and the answer is whole', async () => {
  const greeting = 'echo Welcome to the dev box; echo "murmur-of the box" >&2; printf unfinished';
  const { exitCode, stderr, stdout } = await loggedIn('cat; echo answer; echo problem >&2; exit 7', { greeting, stdin: 'from outside ' });
  expect({ exitCode, stdout, stderr }).toEqual({ exitCode: 7, stdout: 'from outside answer\n', stderr: 'problem\n' });
});

test.each(shells)('%s as the login shell takes any command as it stands', async (shell) => {
  const text = `it's "a" \\n $HOME \`id\` !! %s ~ * é\nsecond line`;
  const { stdout } = await loggedIn(`printf %s '${text.replaceAll("'", `'\\''`)}'`, { shell });
  expect(stdout).toBe(text);
});

test('what the shell says of a command is short, and the command has no arguments', async () => {
  const { exitCode, stderr, stdout } = await loggedIn('echo "$#"; nothing-of-that-name');
  expect({ exitCode, stdout }).toEqual({ exitCode: 127, stdout: '0\n' });
  expect(stderr).toMatch(/^sh: .{0,20}nothing-of-that-name: not found\n$|^sh: .*nothing-of-that-name: command not found\n$/);
});

test('a login that runs nothing is said to, with its words', async () => {
  const { framed, stdout } = await loggedIn('echo answer', { greeting: 'echo This account is currently not available.; exit 1' });
  expect(stdout).toBe('');
  expect(() => framed.assertBegun()).toThrow(`the image's login runs no commands; it says "This account is currently not available."`);
});

test('a login that prints without an end is given up', () => {
  const framed = frameCommand('true', { stdout: () => undefined, stderr: () => undefined });
  const flood = () => {
    for (let count = 0; count < 20; count++) framed.sink.stdout(Buffer.alloc(65_536, 'y'));
  };
  expect(flood).toThrow("the image's login prints without an end");
});

test('a word that comes in two pieces is seen', () => {
  const seen: string[] = [];
  const framed = frameCommand('true', { stdout: (chunk) => seen.push(chunk.toString()), stderr: () => undefined });
  const word = /murmur-[0-9a-f]+/.exec(framed.command)?.[0] ?? '';
  for (const piece of [`hello${word.slice(0, 9)}`, `${word.slice(9)}`, '\nfirst ', 'second']) framed.sink.stdout(Buffer.from(piece));
  expect(seen.join('')).toBe('first second');
});
