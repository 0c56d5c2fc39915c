import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { MurmurError, type TryImageRequest } from '@murmur/api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { runCli } from '../run.js';
import { runForTest, testSurroundings } from '../testing.js';
import { startTestServer, type TestServer } from '../testing-server.js';

let server: TestServer | undefined;
let folder = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'murmur-cli-'));
});
afterEach(async () => {
  await server?.close();
  await rm(folder, { recursive: true });
});

async function serve(...[answers]: Parameters<typeof startTestServer>): Promise<Record<string, string>> {
  server = await startTestServer(answers);
  return { MURMUR_SERVER: server.url, MURMUR_API_KEY: 'mur_a.b' };
}

describe('try', () => {
  it('passes output and exit code through, and leaves flags after -- to the command', async () => {
    const requests: TryImageRequest[] = [];
    const env = await serve({
      async *tryImage(request) {
        requests.push(request);
        yield { event: { case: 'progress', value: 'booting' } };
        yield { event: { case: 'stdout', value: Buffer.from([0xc3]) } };
        yield { event: { case: 'stdout', value: Buffer.from([0xa9, 0x0a]) } };
        yield { event: { case: 'stderr', value: Buffer.from('warned\n') } };
        yield { event: { case: 'exitCode', value: 42 } };
      },
    });
    const args = ['try', 'img', 'env', 'place', '--', 'sh', '-c', 'x', '--server', 'y', '--help'];
    expect(await runForTest(args, { env })).toEqual({ code: 42, stdout: 'é\n', stderr: 'warned\n' });
    expect(requests).toMatchObject([
      { image: 'img', environment: 'env', placement: 'place', command: ['sh', '-c', 'x', '--server', 'y', '--help'] },
    ]);
  });

  it('fails when the machine is lost', async () => {
    const env = await serve({
      async *tryImage() {
        yield { event: { case: 'stdout', value: Buffer.from('half') } };
      },
    });
    const { code, stderr } = await runForTest(['try', 'i', 'e', 'p', '--', 'true'], { env });
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: 'murmur: ABORTED: the server ended the connection before the command had ended\n',
    });
  });
});

describe('image export', () => {
  const content = Buffer.from('a disk image');
  const digest = `sha256:${createHash('sha256').update(content).digest('hex')}`;
  const answers: Parameters<typeof startTestServer>[0] = {
    async *exportImage({ name }, { signal }) {
      yield { totalBytes: BigInt(content.length), digest: name === 'damaged' ? digest.replaceAll(/[0-9]/g, '0') : digest };
      yield { chunk: content.subarray(0, 5) };
      if (name === 'endless') await delay(60_000, undefined, { signal }).catch(() => undefined);
      if (name === 'broken') throw new MurmurError('INTERNAL', 'internal error').toConnect();
      yield { chunk: content.subarray(5) };
    },
  };

  it('writes the whole file and says what it is', async () => {
    const env = await serve(answers);
    const file = join(folder, 'x.qcow2');
    expect(await runForTest(['image', 'export', 'img', file], { env })).toEqual({
      code: 0,
      stdout: `Exported image "img" to ${file} (12 bytes, ${digest})\n`,
      stderr: '',
    });
    expect(await readFile(file)).toEqual(content);
    expect(await readdir(folder)).toEqual(['x.qcow2']);
  });

  it('writes to standard output for -, and says with its exit code whether that was all', async () => {
    const env = await serve(answers);
    expect(await runForTest(['image', 'export', 'img', '-'], { env })).toEqual({
      code: 0,
      stdout: content.toString(),
      stderr: `Exported image "img" (12 bytes, ${digest})\n`,
    });
    expect((await runForTest(['image', 'export', 'damaged', '-'], { env })).code).toBe(1);
    expect((await runForTest(['image', 'export', 'img', '-'], { env, terminal: 'output' })).code).toBe(2);
  });

  it('replaces a file only when told to', async () => {
    const env = await serve(answers);
    const file = join(folder, 'x.qcow2');
    await writeFile(file, 'mine');
    expect(await runForTest(['image', 'export', 'img', file], { env })).toEqual({
      code: 1,
      stdout: '',
      stderr: `murmur: ALREADY_EXISTS: ${file} exists\nChoose another name, or replace it with --force.\n`,
    });
    expect(await readFile(file, 'utf8')).toBe('mine');
    expect((await runForTest(['image', 'export', '--force', 'img', file], { env })).code).toBe(0);
    expect(await readFile(file)).toEqual(content);
  });

  it.each([
    ['damaged', 'ABORTED'],
    ['broken', 'INTERNAL'],
  ])('leaves nothing behind when the download is %s', async (name, code) => {
    const env = await serve(answers);
    const result = await runForTest(['image', 'export', name, join(folder, 'x')], { env });
    expect(result.code).toBe(1);
    expect(result.stderr).toContain(`murmur: ${code}: `);
    expect(await readdir(folder)).toEqual([]);
  });

  it('leaves nothing behind when it is interrupted', async () => {
    const env = await serve(answers);
    const surroundings = testSurroundings();
    const running = runCli(['image', 'export', 'endless', join(folder, 'x')], { ...surroundings, env });
    while ((await readdir(folder)).length === 0) await delay(5);
    surroundings.interrupt();
    expect(await running).toBe(130);
    expect(await readdir(folder)).toEqual([]);
  });

  it('says when the file cannot be written', async () => {
    const env = await serve(answers);
    const { code, stderr } = await runForTest(['image', 'export', 'img', join(folder, 'no', 'x')], { env });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^murmur: FAILED_PRECONDITION: cannot write /);
  });
});

describe('base', () => {
  it('build shows progress aside and names the image', async () => {
    const env = await serve({
      async *buildBase({ name, forceNew }) {
        yield { event: { case: 'progress', value: `building ${name} ${forceNew ? 'again' : 'once'}` } };
        yield { event: { case: 'image', value: { kind: 'image', name } } };
      },
    });
    expect(await runForTest(['base', 'build'], { env })).toEqual({
      code: 0,
      stdout: 'Base image "murmur-qemu-base" is ready\n',
      stderr: 'building murmur-qemu-base once\n',
    });
    expect((await runForTest(['base', 'build', '--force-new'], { env })).stderr).toBe('building murmur-qemu-base again\n');
  });

  it('ls lists builtin images and no others', async () => {
    const env = await serve({
      listResources: () => ({
        columns: [{ header: 'NAME' }],
        resources: [{ name: 'murmur-qemu-base', builtin: true }, { name: 'mine' }],
        rows: [{ cells: ['murmur-qemu-base'] }, { cells: ['mine'] }],
      }),
    });
    expect((await runForTest(['base', 'ls'], { env })).stdout).toBe('NAME\nmurmur-qemu-base\n');
  });
});

describe('auth', () => {
  const answers: Parameters<typeof startTestServer>[0] = {
    listIssuers: () => ({}),
    whoAmI(_request, { requestHeader }) {
      if (requestHeader.get('Authorization') !== 'Bearer mur_a.b') {
        throw new MurmurError('UNAUTHENTICATED', 'identity token is missing or expired').toConnect();
      }
      return { tenant: 'local/default', subject: 'admin', keyId: 'a' };
    },
  };

  it('says who you are', async () => {
    const env = await serve(answers);
    const stdout = `Server       ${env['MURMUR_SERVER']}\nTenant       local/default\nIdentity     admin\nAPI key      a\nCredential   MURMUR_API_KEY\n`;
    expect(await runForTest(['auth'], { env })).toEqual({ code: 0, stdout, stderr: '' });
    expect((await runForTest(['auth', 'status'], { env })).stdout).toBe(stdout);
  });

  it('login stores a key that works, for this user alone, and keeps other settings', async () => {
    const { MURMUR_SERVER: url = '' } = await serve(answers);
    const options = { cwd: folder, env: {} };
    const file = join(folder, '.murmur', 'murmur.local.yaml');
    expect(await runForTest(['auth', 'login', '--server', url], { ...options, stdin: 'mur_a.b\n' })).toEqual({
      code: 0,
      stdout: `Logged in to ${url} as admin of local/default; the key is in ${file}\n`,
      stderr: '',
    });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readFile(file, 'utf8')).toBe(`server: ${url}\napi_key: mur_a.b\n`);
    expect((await runForTest(['auth'], options)).code).toBe(0);
    const refused = await runForTest(['auth', 'login', '--server', url], { ...options, stdin: 'mur_x.y\n' });
    expect(refused).toMatchObject({ code: 1, stderr: 'murmur: UNAUTHENTICATED: identity token is missing or expired\n' });
    expect(await readFile(file, 'utf8')).toBe(`server: ${url}\napi_key: mur_a.b\n`);
  });
});

describe('version', () => {
  it('prints both versions', async () => {
    const env = await serve({ getVersion: () => ({ version: '9.9.9', substrates: ['qemu'] }) });
    const { stdout } = await runForTest(['version'], { env });
    expect(stdout).toMatch(/^Client {3}\d+\.\d+\.\d+\nServer {3}9\.9\.9 at http:\/\/127\.0\.0\.1:\d+ \(qemu\)\n$/);
  });

  it('is no failure without a server', async () => {
    const env = await serve({});
    await server?.close();
    const { code, stdout } = await runForTest(['version', '-o', 'json'], { env });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ server: { error: `cannot reach the server at ${env['MURMUR_SERVER']}` } });
  });
});

it.each(['bash', 'zsh'])('completion prints a script for %s', async (shell) => {
  expect((await runForTest(['completion', shell])).stdout).toContain('murmur __complete -- ');
});
