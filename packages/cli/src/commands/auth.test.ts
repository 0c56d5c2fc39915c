import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { MurmurError } from '@murmur/api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { runCli } from '../run.js';
import { runForTest, type TestSurroundings, testSurroundings } from '../testing.js';
import { startIssuer, testClientId, type TestIssuer, type TestIssuerOptions } from '@murmur/api/testing-issuer';
import { confirmInBrowser } from '../testing-browser.js';
import { startTestServer, type TestServer } from '../testing-server.js';

let folder = '';
let issuer: TestIssuer | undefined;
let server: TestServer | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'murmur-auth-'));
});
afterEach(async () => {
  await Promise.all([issuer?.close(), server?.close()]);
  [issuer, server] = [undefined, undefined];
  await rm(folder, { recursive: true, force: true });
});

const credentials = () => join(folder, 'murmur', 'credentials.json');
const stored = async () => JSON.parse(await readFile(credentials(), 'utf8')) as Record<string, Record<string, unknown>>;
const claimsOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>;

/** An issuer, and a server that takes its tokens; what it answers comes from the token it was sent. */
async function serve(options: TestIssuerOptions = {}): Promise<{ issuer: TestIssuer; env: Record<string, string>; url: string }> {
  const madeIssuer = (issuer = await startIssuer(options));
  const made = (server = await startTestServer({
    listIssuers: () => ({ issuers: [{ url: madeIssuer.url, clientId: testClientId, scopes: ['openid', 'offline_access'] }] }),
    whoAmI(_request, { requestHeader }) {
      const token = (requestHeader.get('Authorization') ?? '').replace('Bearer ', '');
      if (token.startsWith('mur_')) return { tenant: 'local/default', subject: 'admin', keyId: 'a' };
      if (token === '') throw new MurmurError('UNAUTHENTICATED', 'identity token is missing or expired').toConnect();
      const { sub, iss, exp } = claimsOf(token);
      return { tenant: 'local/default', subject: String(sub), issuer: String(iss), expireTime: { seconds: BigInt(Number(exp)) } };
    },
  }));
  return { issuer: madeIssuer, url: made.url, env: { MURMUR_SERVER: made.url, XDG_CONFIG_HOME: folder } };
}

/** Waits until a command has said something that matches. */
async function said(surroundings: TestSurroundings, pattern: RegExp): Promise<RegExpExecArray> {
  return new Promise((resolve, reject) => {
    const giveUp = setTimeout(() => reject(new Error(`not said: ${surroundings.stderr.text()}`)), 30_000);
    const look = (): void => {
      const match = pattern.exec(surroundings.stderr.text());
      if (match === null) {
        setTimeout(look, 20);
        return;
      }
      clearTimeout(giveUp);
      resolve(match);
    };
    look();
  });
}

async function logIn(
  env: Record<string, string>,
  name: string,
  args: readonly string[] = [],
): Promise<{ code: number; stdout: string; stderr: string }> {
  const surroundings = testSurroundings({ env, cwd: folder });
  const running = runCli(['auth', 'login', ...args], surroundings);
  const [, address = ''] = await said(surroundings, /Open (http\S+)\n/);
  await confirmInBrowser(address, name);
  const code = await running;
  return { code, stdout: surroundings.stdout.text(), stderr: surroundings.stderr.text() };
}

/** Makes the stored token look as if it ended in so many seconds. */
async function ageStoredLogin(url: string, seconds: number): Promise<void> {
  const logins = await stored();
  const aged = { ...logins, [url]: { ...logins[url], expiresAt: Date.now() / 1000 + seconds } };
  await writeFile(credentials(), JSON.stringify(aged), { mode: 0o600 });
}

describe('signing in with an issuer', () => {
  it('keeps the login for this user alone, and calls use it', async () => {
    const { issuer: at, url, env } = await serve();
    const { code, stdout, stderr } = await logIn(env, 'ana');
    expect(stdout).toBe(`Logged in to ${url} as ana of local/default; the login is in ${credentials()}\n`);
    expect(stderr).toMatch(
      new RegExp(
        `^Open ${at.url}/device\\?user_code=([A-Z]{4}-[A-Z]{4})\\nin a browser and confirm the code \\1\\nWaiting for you, for up to 10m00s\\n$`,
      ),
    );
    expect(code).toBe(0);
    expect((await stat(credentials())).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder, 'murmur'))).mode & 0o777).toBe(0o700);
    expect(await stored()).toEqual({
      [url]: {
        issuer: at.url,
        clientId: testClientId,
        idToken: expect.any(String),
        refreshToken: expect.any(String),
        expiresAt: expect.any(Number),
      },
    });
    const status = await runForTest(['whoami'], { env });
    expect(status.stdout).toMatch(
      new RegExp(
        `^Server +${url}\\nTenant +local/default\\nIdentity +ana\\nCredential +the login in \\S+\\nIssuer +${at.url}\\nExpires +20\\S+Z\\n$`,
      ),
    );
    expect(JSON.parse((await runForTest(['auth', 'status', '-o', 'json'], { env })).stdout)).toMatchObject({
      subject: 'ana',
      issuer: at.url,
    });
  });

  it('is for that server alone, and an API key goes before it', async () => {
    const { env } = await serve();
    await logIn(env, 'ana');
    expect((await runForTest(['whoami'], { env: { ...env, MURMUR_API_KEY: 'mur_a.b' } })).stdout).toContain('admin');
    const other = await startTestServer({ whoAmI: () => ({ subject: 'nobody' }) });
    try {
      await runForTest(['whoami'], { env: { ...env, MURMUR_SERVER: other.url } });
      expect(other.seen).toEqual([{ authorization: undefined, tenant: undefined }]);
    } finally {
      await other.close();
    }
    const again = await logIn({ ...env, MURMUR_API_KEY: 'mur_a.b' }, 'ana');
    expect(again.stderr).toContain('murmur: warning: API keys go before logins, and the one in MURMUR_API_KEY is used\n');
  });

  it('sends no key to another host in clear, and asks for none', async () => {
    const { code, stderr } = await runForTest(['auth', 'login', '--with-key', '--server', 'http://192.0.2.1:1'], {
      stdin: 'k',
      cwd: folder,
    });
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr:
        'murmur: FAILED_PRECONDITION: http://192.0.2.1:1 is another host and not https: keys and secrets could be read on their way\n' +
        'Use https, or --insecure where you trust everything in between.\n',
    });
  });

  it('is for servers that the user names, and not for one that a file of the project does', async () => {
    const { url, env } = await serve();
    const { MURMUR_SERVER: _named, ...unnamed } = env;
    await mkdir(join(folder, '.murmur'));
    await writeFile(join(folder, '.murmur', 'murmur.local.yaml'), `server: ${url}\n`, { mode: 0o600 });
    const options = { env: { ...unnamed, MURMUR_API_KEY: 'mur_a.b' }, cwd: folder };
    const refused = `murmur: UNAUTHENTICATED: no credential for ${url}; run "murmur auth login --server ${url}"\n`;
    for (const args of [['whoami'], ['get', 'recipe'], ['secret', 'set', 'A'], ['auth', 'login']]) {
      expect(await runForTest(args, { ...options, stdin: 'x' })).toMatchObject({
        code: 1,
        stdout: '',
        stderr: expect.stringContaining(refused),
      });
    }
    expect(await runForTest(['__complete', '--', 'get', 'recipe', ''], options)).toMatchObject({ code: 0, stdout: '' });
    expect(server?.seen).toEqual([]);
    await logIn(env, 'ana', ['--server', url]);
    expect((await runForTest(['whoami'], { env: unnamed, cwd: folder })).stdout).toContain('ana');
    const before = server?.seen.length;
    await runForTest(['__complete', '--', 'get', 'recipe', ''], options);
    expect(server?.seen.length).toBe(before);
  });

  it('is given up with Ctrl-C, and nothing is stored', async () => {
    const { env } = await serve();
    const surroundings = testSurroundings({ env, cwd: folder });
    const running = runCli(['auth', 'login'], surroundings);
    await said(surroundings, /Waiting for you/);
    surroundings.interrupt();
    expect(await running).toBe(130);
    expect(surroundings.stderr.text()).toContain('Sign-in given up; nothing was stored\n');
    expect(surroundings.stdout.text()).toBe('');
    await expect(stat(credentials())).rejects.toThrow('ENOENT');
  });

  it('says so when the issuer is not there', async () => {
    const { issuer: at, env } = await serve();
    at.answerWith('a broken connection');
    const { code, stderr } = await runForTest(['auth', 'login'], { env, cwd: folder });
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `murmur: UNAVAILABLE: cannot reach the issuer ${at.url}\nTry again in a moment.\n`,
    });
  });

  it('stores nothing that the server refuses', async () => {
    const { issuer: at } = await serve();
    await server?.close();
    server = await startTestServer({
      listIssuers: () => ({ issuers: [{ url: at.url, clientId: testClientId, scopes: ['openid'] }] }),
      whoAmI() {
        throw new MurmurError('UNAUTHENTICATED', 'identity token is missing or expired').toConnect();
      },
    });
    const { code, stderr } = await logIn({ MURMUR_SERVER: server.url, XDG_CONFIG_HOME: folder }, 'ana');
    expect(stderr).toContain('murmur: UNAUTHENTICATED: identity token is missing or expired\n');
    expect(code).toBe(1);
    await expect(stat(credentials())).rejects.toThrow('ENOENT');
  });

  it('lets one of several issuers be chosen, and none that the server does not take', async () => {
    const { issuer: at, env: first } = await serve();
    await server?.close();
    const issuers = [
      { url: 'https://other.example', clientId: 'x', scopes: ['openid'] },
      { url: at.url, clientId: testClientId, scopes: ['openid'] },
      { url: 'https://machines.example', clientId: '', scopes: ['openid'] },
    ];
    server = await startTestServer({ listIssuers: () => ({ issuers }), whoAmI: () => ({ tenant: 'local/default', subject: 'ana' }) });
    const env = { ...first, MURMUR_SERVER: server.url };
    const hint = `The server takes tokens of https://other.example and ${at.url}.\n`;
    expect(await runForTest(['auth', 'login'], { env, cwd: folder })).toEqual({
      code: 2,
      stdout: '',
      stderr: `murmur: INVALID_ARGUMENT: there are several issuers; choose one with --issuer\n${hint}`,
    });
    for (const wrong of ['https://nowhere.example', 'https://machines.example']) {
      expect(await runForTest(['auth', 'login', '--issuer', wrong], { env, cwd: folder })).toMatchObject({
        code: 2,
        stderr: `murmur: INVALID_ARGUMENT: nobody signs in to ${server.url} with ${wrong}\n${hint}`,
      });
    }
    expect((await logIn(env, 'ana', ['--issuer', at.url])).code).toBe(0);
  });
});

describe('a login that ends', () => {
  it('renews itself, once for commands that run at the same time, and unseen', async () => {
    const { issuer: at, url, env } = await serve();
    await logIn(env, 'ana');
    const before = (await stored())[url];
    await ageStoredLogin(url, 30);
    const tokens = at.asked.filter((path) => path === '/token').length;
    const results = await Promise.all(Array.from({ length: 6 }, () => runForTest(['whoami'], { env })));
    for (const { code, stdout, stderr } of results)
      expect({ code, stderr, known: stdout.includes('ana') }).toEqual({ code: 0, stderr: '', known: true });
    expect(at.asked.filter((path) => path === '/token')).toHaveLength(tokens + 1);
    const after = (await stored())[url];
    expect(after?.['refreshToken']).not.toBe(before?.['refreshToken']);
    expect(after?.['expiresAt']).toBeGreaterThan(Date.now() / 1000 + 3000);
    await ageStoredLogin(url, -10);
    expect((await runForTest(['whoami'], { env })).code).toBe(0);
    expect((await stat(credentials())).mode & 0o777).toBe(0o600);
  });

  it('asks to sign in again once the issuer gives no more', async () => {
    const { url, env } = await serve({ refresh: 'no' });
    await logIn(env, 'ana');
    await ageStoredLogin(url, 30);
    // It is still good for this call.
    expect((await runForTest(['whoami'], { env })).code).toBe(0);
    await ageStoredLogin(url, -10);
    expect(await runForTest(['whoami'], { env })).toEqual({
      code: 1,
      stdout: '',
      stderr: 'murmur: UNAUTHENTICATED: identity token is missing or expired\nRun `murmur auth login` to sign in again.\n',
    });
  });

  it('asks to sign in again when its refresh token is worthless', async () => {
    const { url, env } = await serve();
    await logIn(env, 'ana');
    const logins = await stored();
    await writeFile(credentials(), JSON.stringify({ [url]: { ...logins[url], refreshToken: 'used-up', expiresAt: 0 } }));
    const { code, stderr } = await runForTest(['whoami'], { env });
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: 'murmur: UNAUTHENTICATED: identity token is missing or expired\nRun `murmur auth login` to sign in again.\n',
    });
  });

  it('is not lost while the issuer is away', async () => {
    const { issuer: at, url, env } = await serve();
    await logIn(env, 'ana');
    await ageStoredLogin(url, -10);
    at.answerWith('a broken connection');
    const { code, stderr } = await runForTest(['whoami'], { env });
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `murmur: UNAVAILABLE: cannot reach ${at.url} to renew your login\nTry again in a moment.\n`,
    });
    at.answerWith(undefined);
    expect((await runForTest(['whoami'], { env })).code).toBe(0);
  });

  it('is said to be damaged when its file is', async () => {
    const { env } = await serve();
    await mkdir(join(folder, 'murmur'));
    await writeFile(credentials(), '{"');
    expect(await runForTest(['whoami'], { env })).toEqual({
      code: 1,
      stdout: '',
      stderr: `murmur: FAILED_PRECONDITION: ${credentials()} is damaged\nRemove it, and sign in again with: murmur auth login\n`,
    });
  });
});

describe('signing out', () => {
  it('forgets the login, here and at the issuer', async () => {
    const { issuer: at, url, env } = await serve();
    await logIn(env, 'ana');
    const login = (await stored())[url];
    expect(await runForTest(['auth', 'logout'], { env, cwd: folder })).toEqual({
      code: 0,
      stdout: `Forgot the login at ${url}\n`,
      stderr: '',
    });
    expect(await stored()).toEqual({});
    expect(at.asked.filter((path) => path === '/token/revocation')).toHaveLength(1);
    await writeFile(credentials(), JSON.stringify({ [url]: { ...login, expiresAt: 0 } }));
    expect((await runForTest(['whoami'], { env })).stderr).toContain('UNAUTHENTICATED');
  });

  it('forgets the login also when the issuer is away or has no way to end it', async () => {
    const { issuer: at, url, env } = await serve();
    await logIn(env, 'ana');
    at.answerWith('a broken connection');
    const { code, stdout, stderr } = await runForTest(['auth', 'logout'], { env, cwd: folder });
    expect({ code, stdout }).toEqual({ code: 0, stdout: `Forgot the login at ${url}\n` });
    expect(stderr).toContain(`murmur: warning: the login could not be ended at ${at.url}: `);
    expect(await stored()).toEqual({});
  });

  it('forgets the key that login stored, unless it is for another server', async () => {
    const { url, env } = await serve();
    const file = join(folder, '.murmur', 'murmur.local.yaml');
    const inFolder = { cwd: folder, env };
    expect((await runForTest(['auth', 'login', '--with-key', '--server', url], { ...inFolder, stdin: 'mur_a.b\n' })).code).toBe(0);
    expect(await runForTest(['auth', 'logout', '--server', 'http://other:1'], inFolder)).toMatchObject({
      stdout: 'Nothing is stored for http://other:1\n',
    });
    expect(await runForTest(['auth', 'logout'], inFolder)).toEqual({
      code: 0,
      stdout: `Forgot the API key in ${file}\n`,
      stderr: 'The key itself stays valid until somebody revokes it with: murmur key revoke\n',
    });
    expect(await readFile(file, 'utf8')).toBe(`server: ${url}\n`);
    expect(await runForTest(['auth', 'logout'], inFolder)).toEqual({ code: 0, stdout: `Nothing is stored for ${url}\n`, stderr: '' });
  });
});
