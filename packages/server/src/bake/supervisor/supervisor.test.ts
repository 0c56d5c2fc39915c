import { randomInt } from 'node:crypto';
import { execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { readCommand, startProgram, stopCommand } from './guest-program.js';

const shells = ['dash', 'busybox'] as const;

/** How the sleeps of this very run begin: others may run the same tests on this machine. */
const nap = randomInt(10_000_000, 99_999_999);

/** The supervisor runs in guests as root; these run it here, in a folder of its own, under both shells that guests have. */
describe.each(shells)('under %s', (shell) => {
  let folder: string;
  let environment: NodeJS.ProcessEnv;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'murmur-supervisor-'));
    const path = shell === 'busybox' ? await busyboxTools(join(folder, 'bin')) : '/usr/local/bin:/usr/bin:/bin';
    environment = { PATH: path };
  });
  afterEach(async () => {
    await sh(stopCommand(folder));
    // Its last nap may hold the control group for a moment.
    await sh(`group=$(cat ${folder}/run/cgroup-path) || exit; for try in $(seq 30); do
      rmdir "$group/script" "$group/supervisor" "$group" && break; sleep 0.1; [ -d "$group" ] || break; done`);
    await rm(folder, { recursive: true, force: true });
  });

  async function sh(command: string, stdin = ''): Promise<{ stdout: Buffer; stderr: string; code: number | null }> {
    const child = spawn(shell === 'busybox' ? join(folder, 'bin', 'sh') : 'dash', ['-c', command], { env: environment });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    // A command that reads nothing may be gone before its input is closed.
    child.stdin.on('error', (error) => stderr.push(Buffer.from(stdin === '' ? '' : String(error))));
    child.stdin.end(stdin);
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
    return { stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString().trim(), code };
  }

  async function start(
    script: string,
    choices: { variables?: Record<string, string>; timeoutSeconds?: number; awaySeconds?: number } = {},
  ): Promise<void> {
    const program = startProgram({ script, variables: {}, timeoutSeconds: 60, ...choices }, folder);
    // The guest's own tools, for a script that is started with a plain environment.
    const here = program.replace('PATH=', `PATH=${environment['PATH']}:`);
    const { stderr, stdout } = await sh('sh', here.replace('away_seconds=10', `away_seconds=${choices.awaySeconds ?? 10}`));
    expect({ stdout: stdout.toString(), stderr }).toEqual({ stdout: 'started\n', stderr: '' });
  }

  async function readAll(from = 0): Promise<{ output: string; state: string }> {
    const chunks: Buffer[] = [];
    for (let offset = from; ;) {
      const { stdout, stderr } = await sh(readCommand(offset, offset, folder));
      chunks.push(stdout);
      offset += stdout.length;
      if (!stderr.startsWith('running')) return { output: Buffer.concat(chunks).toString(), state: stderr };
    }
  }

  test('a script gets its variables and a plain environment, no terminal and an empty input', async () => {
    await start('#!/bin/sh\nenv | grep = | cut -d= -f1 | sort | tr "\\n" " "; echo; printf "%s|" "$TOKEN"; cat; tty; umask; exit 3\n', {
      variables: { TOKEN: "it's $HOME\nand `more`" },
    });
    const { output, state } = await readAll();
    const [names = '', ...rest] = output.split('\n');
    const expected = ['DEBIAN_FRONTEND', 'HOME', 'LANG', 'LOGNAME', 'PATH', 'PWD', 'SHELL', 'TERM', 'TOKEN', 'USER'];
    expect(names.split(' ').filter((name) => name !== '' && name !== 'SHLVL' && name !== '_')).toEqual(expected);
    expect(rest.join('\n')).toBe("it's $HOME\nand `more`|not a tty\n0022\n");
    expect(state).toBe('exited 3');
  });

  test('a script without an interpreter line is run by sh, and a signal shows in the code', async () => {
    await start('echo "as $0"; kill -TERM $$\n');
    expect(await readAll()).toEqual({ output: `as ${folder}/script\n`, state: 'exited 143' });
  });

  test('the largest script and values arrive whole', async () => {
    const value = `'"$\\\n${'v'.repeat(60_000)}`;
    const padding = `# ${"it's ".repeat(52_000)}\n`;
    await start(`#!/bin/sh\n${padding}printf %s "$VALUE" | wc -c\nwc -c <"$0"\n`, { variables: { VALUE: value } });
    const { output, state } = await readAll();
    const size = `#!/bin/sh\n${padding}printf %s "$VALUE" | wc -c\nwc -c <"$0"\n`.length;
    expect(output).toBe(`${value.length}\n${size}\n`);
    expect(state).toBe('exited 0');
  });

  test('output is whole and in order, however much it is and wherever reading starts again', async () => {
    const text = `${Array.from({ length: 400_000 }, (_, index) => index + 1).join('\n')}\nend\n`;
    await start('#!/bin/sh\nseq 1 400000\necho end >&2\n');
    const first = await sh(readCommand(0, 0, folder));
    const again = await sh(readCommand(0, 0, folder));
    expect(again.stdout.subarray(0, first.stdout.length).equals(first.stdout)).toBe(true);
    const { output, state } = await readAll(first.stdout.length);
    expect(first.stdout.toString() + output === text).toBe(true);
    expect(state).toBe('exited 0');
  });

  test('a script that prints more than the guest may hold waits for the server', async () => {
    await start('#!/bin/sh\nhead -c 30000000 /dev/zero; touch "$HOME/never"; echo\n', { variables: {} });
    await expect.poll(() => outputLength(), { timeout: 20_000 }).toBeGreaterThan(16_000_000);
    expect(await outputLength()).toBeLessThan(18_000_000);
    // A server that was away asks again for what waits now, and must not get it all at once.
    for (const from of [0, 300_000]) {
      const { stderr, stdout } = await sh(readCommand(0, from, folder));
      expect([stdout.length, stderr]).toEqual([1024 * 1024, 'running']);
    }
    const { output, state } = await readAll();
    expect(output.length).toBe(30_000_001);
    expect(state).toBe('exited 0');
  }, 60_000);

  test('a script that waits for a server that is away does not use up its time', async () => {
    await start('#!/bin/sh\nhead -c 20000000 /dev/zero; echo\n', { timeoutSeconds: 5, awaySeconds: 1 });
    const held = async () => (await sh(`cat ${folder}/run/held-seconds`)).stdout.toString();
    await expect.poll(held, { timeout: 40_000 }).not.toBe('');
    expect(await readState()).toMatch(/^running \d+$/);
    const { output, state } = await readAll();
    expect([output.length, state]).toEqual([20_000_001, 'exited 0']);
  }, 60_000);

  async function readState(): Promise<string> {
    return (await sh(readCommand(0, 0, folder))).stderr;
  }

  test('an output filter that outlives the script hands on all it has', async () => {
    const filter = 'while IFS= read -r line; do echo "[s] $line"; done';
    // What bash writes as exec > >(filter), for a shell without it.
    await start(`#!/bin/sh\nmkfifo "$0.pipe"\n(${filter}) <"$0.pipe" &\nexec >"$0.pipe" 2>&1\nseq 3000\necho LAST\nexit 4\n`);
    const { output, state } = await readAll();
    expect(output.split('\n').length).toBe(3002);
    expect(output.endsWith('[s] LAST\n')).toBe(true);
    expect(state).toBe('exited 4');
  });

  test('what a script leaves behind is asked to end before it is killed', async () => {
    await start(
      `#!/bin/sh\n(trap "echo put away; exit" TERM; echo up; while :; do sleep 0.1; done) &\n(trap "" TERM; sleep ${nap}6) &\nsleep 1\n`,
    );
    const { output, state } = await readAll();
    // A shell may say of its own child how that ended.
    expect({ output: output.replace('Terminated\n', ''), state }).toEqual({ output: 'up\nput away\n', state: 'exited 0' });
    expect(await sleepers()).toBe('');
  }, 30_000);

  test('an interpreter that is not there is named', async () => {
    await start('#! /opt/none -x\ntrue\n');
    expect(await readAll()).toEqual({ output: '', state: 'no-interpreter /opt/none' });
  });

  test('so is one that env looks for', async () => {
    await start('#!/usr/bin/env none-such\ntrue\n');
    expect(await readAll()).toEqual({ output: '', state: 'no-interpreter none-such' });
  });

  test('env finds what is there', async () => {
    await start('#!/usr/bin/env -S sh -e\necho found\nfalse\n');
    expect(await readAll()).toEqual({ output: 'found\n', state: 'exited 1' });
  });

  async function outputLength(): Promise<number> {
    return Number((await sh(`cat ${folder}/log/* | wc -c`)).stdout.toString());
  }

  test('the timeout ends every process of the script, also those that left its session', async () => {
    await start(`#!/bin/sh\n(setsid sh -c "echo gone >&2; exec sleep ${nap}1" &)\nsleep ${nap}2 &\necho begun\nsleep ${nap}3\n`, {
      timeoutSeconds: 2,
    });
    const { output, state } = await readAll();
    expect(output.split('\n').toSorted()).toEqual(['', 'begun', 'gone']);
    expect(state).toBe('timed-out');
    expect(await sleepers()).toBe('');
  });

  test('what a script leaves running ends with it', async () => {
    await start(`#!/bin/sh\nsleep ${nap}4 &\n(setsid sleep ${nap}5 &)\necho done\n`);
    expect(await readAll()).toEqual({ output: 'done\n', state: 'exited 0' });
    expect(await sleepers()).toBe('');
  });

  async function sleepers(): Promise<string> {
    const { stdout } = await promisify(execFile)('ps', ['-eo', 'args']);
    return stdout
      .split('\n')
      .filter((line) => line.startsWith(`sleep ${nap}`))
      .join();
  }

  test('started again it finds the running script, and nothing starts from half a program', async () => {
    const script = '#!/bin/sh\necho once\nread -r go <"$HOME/../nowhere" || sleep 1\n';
    const program = startProgram({ script, variables: { A: 'x' }, timeoutSeconds: 60 }, folder);
    await sh('sh', program.slice(0, program.length - 200));
    expect((await sh(readCommand(0, 0, folder))).stderr).toBe('absent');
    await start('#!/bin/sh\necho once\nsleep 1\n');
    await start('#!/bin/sh\necho twice\n');
    expect(await readAll()).toEqual({ output: 'once\n', state: 'exited 0' });
  });

  test('a script that kills its supervisor does not keep the bake waiting', async () => {
    await start('#!/bin/sh\nkill -9 $(cat "$(dirname "$0")/run/supervisor")\nsleep 30\n');
    expect((await readAll()).state).toBe('lost');
  });
});

async function busyboxTools(folder: string): Promise<string> {
  await mkdir(folder);
  const { stdout } = await promisify(execFile)('busybox', ['--list']);
  for (const name of stdout.trim().split('\n')) await symlink('/bin/busybox', join(folder, name));
  return folder;
}
