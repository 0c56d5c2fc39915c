import { execFile, spawn } from 'node:child_process';
import { access, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { withoutWaits } from '../packages/server/src/bake/runs/testing-runs.js';
import { logHas, logOf, runEnded, runsOf, setRecipe } from './harness/bakes.js';
import { murmur, murmurOk } from './harness/cli.js';
import { machineFolders, machinesOf, processesNaming } from './harness/machines.js';
import { startMurmur } from './harness/running-cli.js';
import { murmurBinary, startServer, type TestServer } from './harness/server.js';
import { isLoopback, listeningAddresses } from './harness/sockets.js';
import { setTinyImage } from './harness/tiny-base.js';
import { eventually } from './harness/wait.js';

const place = ['murmur-qemu-small', 'murmur-qemu-local'] as const;
const run = promisify(execFile);

const lines = Array.from({ length: 16 }, (_, index) => `line ${index + 1}`);
const countingScript = '#!/bin/sh\ni=1\nwhile [ $i -le 16 ]; do echo "line $i"; i=$((i+1)); sleep 0.4; done\n';

describe('the life of a server', () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await startServer();
    await setTinyImage(server);
    await setRecipe(server, 'counted', countingScript);
    await setRecipe(server, 'broken', '#!/bin/sh\necho evidence > /root/left\nexit 9\n');
  });
  afterAll(async () => {
    // The machine that was kept on purpose outlives its server.
    for (const { pid } of await machinesOf(server.dataDir)) process.kill(pid, 'SIGKILL');
    await server.remove();
  });

  it('refuses a second server on the same data, saying by whom it is in use', async () => {
    const second = spawn(process.execPath, [murmurBinary, 'server', '--listen', '127.0.0.1:0', '--data-dir', server.dataDir]);
    const [code, stdout, stderr] = await Promise.all([
      new Promise((settle) => second.once('close', settle)),
      text(second.stdout),
      text(second.stderr),
    ]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(
      new RegExp(
        `^murmur: FAILED_PRECONDITION: data directory ${server.dataDir} is in use by the Murmur server with process id ${server.pid} on \\S+, started \\S+\n`,
        'm',
      ),
    );
    expect(await murmurOk(server, ['version'])).toContain('QEMU');
  });

  it.skipIf(process.getuid?.() !== 0)('says at its start what it cannot keep from machines, and goes on', async () => {
    const weak = await startServer({ without: 'net_admin' });
    try {
      expect(await weak.log()).toMatch(/"msg":"machines run as users of their own, but nothing holds their connections back/);
      expect(await murmurOk(weak, ['version'])).toContain('QEMU');
      expect(await server.log()).not.toContain('nothing holds');
    } finally {
      await weak.remove();
    }
  });

  it('keeps a failed machine when asked, says how to get a shell on it, and lets it go when its time is over', async () => {
    const [long, short] = await Promise.all([
      murmur(server, ['bake', '--wait', '--keep-on-failure', '30m', 'broken', ...place]),
      (async () => {
        // Another identity, so that it is another bake.
        await setRecipe(server, 'broken-too', '#!/bin/sh\nexit 10\n');
        return murmur(server, ['bake', '--wait', '--keep-on-failure', '1s', 'broken-too', ...place]);
      })(),
    ]);
    expect([long.code, short.code]).toEqual([1, 1]);
    const shell = /^The machine stays up until \S+; on the server's host, open a shell with: (ssh .+)$/m.exec(long.stderr)?.[1] ?? '';
    expect(long.stderr).toContain('script exited with code 9');
    const [kept] = await runsOf(server, 'broken');
    expect(await murmurOk(server, ['bakes', 'show', kept?.run_id ?? ''])).toContain(shell);

    const { stdout } = await run('sh', ['-c', `${shell} cat /root/left`]);
    expect(stdout).toBe('evidence\n');
    // Its time is over by now; a server that starts looks for such machines at once instead of within half a minute.
    await server.kill();
    await server.start();
    await eventually('the other machine to be gone', async () => ((await machineFolders(server.dataDir)).length === 1 ? true : undefined));
    expect(await machineFolders(server.dataDir)).toEqual([expect.stringContaining(kept?.run_id ?? 'no run')]);
    expect(await machinesOf(server.dataDir)).toHaveLength(1);
    expect(await murmurOk(server, ['bakes', 'show', (await runsOf(server, 'broken-too'))[0]?.run_id ?? ''])).not.toContain('ssh');
  });

  it('lets nobody else read its keys, and nothing beyond this host reach it', async () => {
    for (const file of await keyFiles(server.dataDir)) expect([file, (await stat(file)).mode & 0o077]).toEqual([file, 0]);
    expect((await keyFiles(server.dataDir)).map((file) => file.split('/').at(-1))).toEqual(
      expect.arrayContaining(['admin.key', 'master.key', 'shell-key']),
    );
    for (const folder of ['', 'machines', 'images', 'postgres']) {
      expect([folder, (await stat(join(server.dataDir, folder))).mode & 0o077]).toEqual([folder, 0]);
    }
    const own = await processesNaming(server.dataDir);
    expect(own.map(({ pid }) => pid)).toContain(server.pid);
    const addresses = await listeningAddresses(own.map(({ pid }) => pid));
    // The API and the one port that leads into the kept machine.
    expect(addresses).toHaveLength(2);
    expect(addresses.filter((address) => !isLoopback(address))).toEqual([]);
  });

  it('lets a bake go on when whoever watches it leaves, and shows every line once to whoever follows it through a crash', async () => {
    const watching = startMurmur(server, ['bake', '--wait', 'counted', ...place]);
    await watching.says('line 2\n');
    watching.interrupt();
    const left = await watching.ended;
    const [{ run_id: id } = { run_id: '' }] = await runsOf(server, 'counted');
    expect(left.code).toBe(130);
    expect(left.stdout).toMatch(/^Bake started \(.+\)\nPin workspace with: .+\n$/);
    expect(left.stderr).toMatch(
      new RegExp(`Detached; the bake goes on\nFollow with: murmur bakes logs --follow ${id}\nCancel with: murmur bakes cancel ${id}\n$`),
    );

    const following = startMurmur(server, ['bakes', 'logs', '--follow', id]);
    const address = new URL(server.url).host;
    await following.says('line 6\n');
    await server.kill();
    await server.start(address);
    const followed = await following.ended;
    expect(followed.code).toBe(0);
    expect(followed.stdout.split('\n').filter((line) => line.startsWith('line '))).toEqual(lines);
    expect(followed.stderr).toContain('Bake completed in ');
    expect(await logOf(server, id)).toBe(withoutWaits(followed.stdout));
    expect(await runEnded(server, 'counted')).toMatchObject({ phase: 'completed', attempt: 1 });
  });

  it('stops politely in the middle of a bake, leaves only machines running, and goes on with the bake', async () => {
    await murmurOk(server, ['bake', '--force-new', 'counted', ...place]);
    const [{ run_id: id } = { run_id: '' }] = await runsOf(server, 'counted');
    await logHas(server, id, 'line 2\n');

    // Far more than it takes, and less than a connection to the machine would hold the process up.
    expect(await Promise.race([server.stop(), delay(8000, 'still stopping')])).toBe(0);
    const left = await processesNaming(server.dataDir);
    expect(left.filter(({ args }) => args[0]?.includes('postgres') === true || args.includes('server'))).toEqual([]);
    expect(await machinesOf(server.dataDir)).toHaveLength(2);
    await expect(access(join(server.dataDir, 'server.lock'))).rejects.toThrow('ENOENT');

    await server.start();
    expect(await runEnded(server, 'counted')).toMatchObject({ run_id: id, phase: 'completed', attempt: 1 });
    expect((await logOf(server, id)).split('\n').filter((line) => line.startsWith('line '))).toEqual(lines);
    expect(await machinesOf(server.dataDir)).toHaveLength(1);
  });
});

/** Every file of a data directory that holds a key, by its name. */
async function keyFiles(dataDir: string): Promise<readonly string[]> {
  const entries = await readdir(dataDir, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile() && /key|seed/.test(entry.name)).map((entry) => join(entry.parentPath, entry.name));
}
