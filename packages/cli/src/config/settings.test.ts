import { chmod, chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { testSurroundings } from '../testing.js';
import { changeLogin, type StoredLogin } from './logins.js';
import { isOnThisMachine, isReadableOnItsWay } from './server-address.js';
import { loadSettings } from './settings.js';

describe('settings', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'murmur-cli-'));
    await mkdir(join(folder, '.murmur'));
    await mkdir(join(folder, 'deep', 'down'), { recursive: true });
    await writeFile(join(folder, '.murmur', 'murmur.yaml'), 'tenant: {provider: github_app, org: acme}\nworkspace: main\n');
    await writeFile(join(folder, '.murmur', 'murmur.local.yaml'), 'server: http://file:1\napi_key: mur_file.x\n', { mode: 0o600 });
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('come from the nearest files above the current folder', async () => {
    const settings = await loadSettings(testSurroundings({ cwd: join(folder, 'deep', 'down') }), {});
    expect(settings).toEqual({
      server: 'http://file:1',
      namedBy: 'project',
      tenant: 'github_app/acme',
      apiKey: 'mur_file.x',
      keyHolder: '.murmur/murmur.local.yaml',
      source: join(folder, '.murmur', 'murmur.local.yaml'),
      insecure: false,
      requestTimeoutMs: 60_000,
    });
  });

  it('are refused with a key that is misspelt', async () => {
    await writeFile(join(folder, '.murmur', 'murmur.local.yaml'), 'sever: http://file:1\n');
    await expect(loadSettings(testSurroundings({ cwd: folder }), {})).rejects.toMatchObject({
      message: expect.stringContaining('murmur.local.yaml: unknown key "sever"') as unknown,
      hint: 'Did you mean server?',
    });
  });

  it('let the environment win over files, and flags over the environment', async () => {
    const env = { MURMUR_SERVER: 'http://env:2/', MURMUR_TENANT: 'local/env', MURMUR_API_KEY: 'mur_env.x' };
    const surroundings = testSurroundings({ cwd: folder, env });
    expect(await loadSettings(surroundings, {})).toMatchObject({ server: 'http://env:2', tenant: 'local/env', apiKey: 'mur_env.x' });
    const keyFile = join(folder, 'key');
    await writeFile(keyFile, 'mur_flag.x\n');
    const flags = { server: 'flag:3', tenant: 'local/flag', apiKeyFile: keyFile };
    expect(await loadSettings(surroundings, flags)).toMatchObject({ server: 'http://flag:3', tenant: 'local/flag', apiKey: 'mur_flag.x' });
  });

  it('warn when others can read the key', async () => {
    const file = join(folder, '.murmur', 'murmur.local.yaml');
    await chmod(file, 0o644);
    const surroundings = testSurroundings({ cwd: folder });
    await loadSettings(surroundings, {});
    expect(surroundings.stderr.text()).toBe(`murmur: warning: ${file} holds an API key and others can read it; run: chmod 600 ${file}\n`);
  });

  describe('of a server that a project names', () => {
    const localFile = () => join(folder, '.murmur', 'murmur.local.yaml');
    const env = { MURMUR_API_KEY: 'mur_env.x', XDG_CONFIG_HOME: '', XDG_DATA_HOME: '' };
    const load = async (more: { env?: Record<string, string>; server?: string; apiKeyFile?: string } = {}) => {
      const { env: extra, ...globals } = more;
      const surroundings = testSurroundings({ cwd: folder, env: { ...env, ...extra } });
      return { ...(await loadSettings(surroundings, globals)), stderr: surroundings.stderr.text() };
    };
    beforeEach(async () => {
      env.XDG_CONFIG_HOME = join(folder, 'config');
      env.XDG_DATA_HOME = join(folder, 'share');
      await mkdir(join(folder, 'share', 'murmur'), { recursive: true });
      await writeFile(join(folder, 'share', 'murmur', 'admin.key'), 'mur_admin.x\n', { mode: 0o600 });
      await writeFile(join(folder, 'share', 'murmur', 'admin.address'), 'http://127.0.0.1:9466\n', { mode: 0o600 });
      await writeFile(localFile(), 'server: http://127.0.0.1:9466\n', { mode: 0o600 });
    });

    it('take neither the key of the environment, nor that of a flag, nor the admin key', async () => {
      await writeFile(join(folder, 'key'), 'mur_flag.x', { mode: 0o600 });
      for (const globals of [{}, { apiKeyFile: join(folder, 'key') }]) {
        const settings = await load(globals);
        expect(settings).toMatchObject({ server: 'http://127.0.0.1:9466', namedBy: 'project', apiKey: undefined });
        expect(settings.login).toBeUndefined();
        expect(settings.stderr).toMatch(/^murmur: warning: \S+ is not used: it was not given for http:\/\/127.0.0.1:9466\n$/);
      }
    });

    it('take a login that is stored for that very server', async () => {
      const stored: StoredLogin = { issuer: 'https://i', clientId: 'c', idToken: 't', expiresAt: 1 };
      await changeLogin(join(folder, 'config', 'murmur', 'credentials.json'), 'http://127.0.0.1:9466', async () => stored);
      expect(await load()).toMatchObject({ apiKey: undefined, login: { stored } });
      await writeFile(localFile(), 'server: http://127.0.0.1:9467\n');
      expect((await load()).login).toBeUndefined();
    });

    it('take the others once the user names the server too', async () => {
      expect(await load({ server: 'http://127.0.0.1:9466' })).toMatchObject({ apiKey: 'mur_env.x', namedBy: 'user', stderr: '' });
      expect(await load({ env: { MURMUR_SERVER: '127.0.0.1:9466' } })).toMatchObject({ apiKey: 'mur_env.x', namedBy: 'user', stderr: '' });
      expect(await load({ env: { MURMUR_SERVER: '127.0.0.1:9466', MURMUR_API_KEY: '' } })).toMatchObject({ apiKey: 'mur_admin.x' });
    });
  });

  it('send a key that a project keeps to the server beside it and to no other', async () => {
    const surroundings = testSurroundings({ cwd: folder });
    expect((await loadSettings(surroundings, { server: 'http://file:1' })).apiKey).toBe('mur_file.x');
    expect((await loadSettings(surroundings, { server: 'http://file:2' })).apiKey).toBeUndefined();
    await writeFile(join(folder, '.murmur', 'murmur.local.yaml'), 'api_key: mur_file.x\n');
    expect((await loadSettings(surroundings, {})).apiKey).toBe('mur_file.x');
    expect((await loadSettings(surroundings, { server: 'http://127.0.0.1:7008' })).apiKey).toBeUndefined();
  });

  it('keep the key and the server of the environment together', async () => {
    const surroundings = testSurroundings({ cwd: tmpdir(), env: { MURMUR_SERVER: 'http://env:2', MURMUR_API_KEY: 'mur_env.x' } });
    expect((await loadSettings(surroundings, {})).apiKey).toBe('mur_env.x');
    expect((await loadSettings(surroundings, { server: 'http://env:2/' })).apiKey).toBe('mur_env.x');
    expect((await loadSettings(surroundings, { server: 'http://env:3' })).apiKey).toBeUndefined();
    expect(surroundings.stderr.text()).toBe('murmur: warning: MURMUR_API_KEY is not used: it was not given for http://env:3\n');
  });

  it('find the admin key of a server on this machine, and send it where that server answers', async () => {
    const data = join(folder, 'share', 'murmur');
    await mkdir(data, { recursive: true });
    await writeFile(join(data, 'admin.key'), 'mur_admin.x\n', { mode: 0o600 });
    const surroundings = testSurroundings({ cwd: tmpdir(), env: { XDG_DATA_HOME: join(folder, 'share') } });
    expect((await loadSettings(surroundings, {})).apiKey).toBeUndefined();
    await writeFile(join(data, 'admin.address'), 'http://127.0.0.1:7007\nhttp://[::1]:7007\n', { mode: 0o600 });
    expect((await loadSettings(surroundings, {})).apiKey).toBe('mur_admin.x');
    expect((await loadSettings(surroundings, { server: 'http://[::1]:7007' })).apiKey).toBe('mur_admin.x');
    for (const server of ['https://murmur.example.com', 'http://127.0.0.1:7008', 'http://127.0.0.2:7007', 'http://127.0.0.1:7007/x']) {
      expect((await loadSettings(surroundings, { server })).apiKey).toBeUndefined();
    }
  });

  describe('that others could have written', () => {
    const load = (options: { apiKeyFile?: string } = {}) =>
      loadSettings(
        testSurroundings({ cwd: folder, env: { XDG_CONFIG_HOME: join(folder, 'config'), XDG_DATA_HOME: join(folder, 'share') } }),
        options,
      );
    const places = [
      '.murmur',
      '.murmur/murmur.yaml',
      '.murmur/murmur.local.yaml',
      'config/murmur/credentials.json',
      'share/murmur/admin.key',
      'share/murmur/admin.address',
      'key',
    ];
    const loadFrom = (place: string) => load(place === 'key' ? { apiKeyFile: join(folder, 'key') } : {});
    const prepare = async (place: string) => {
      for (const kind of ['config', 'share']) await mkdir(join(folder, kind, 'murmur'), { recursive: true });
      await writeFile(join(folder, 'config', 'murmur', 'credentials.json'), '{}', { mode: 0o600 });
      await writeFile(join(folder, 'share', 'murmur', 'admin.key'), 'mur_admin.x', { mode: 0o600 });
      await writeFile(join(folder, 'share', 'murmur', 'admin.address'), 'http://127.0.0.1:7007\n', { mode: 0o600 });
      await writeFile(join(folder, 'key'), 'mur_flag.x', { mode: 0o600 });
      // Where a key is kept, none of the other places is looked at.
      if (!place.startsWith('.murmur')) await writeFile(join(folder, '.murmur', 'murmur.local.yaml'), '');
      expect((await loadFrom(place)).apiKey).toMatch(/^mur_/);
      return join(folder, place);
    };

    it.each(places)('are refused: %s writable by others', async (place) => {
      const path = await prepare(place);
      await chmod(path, 0o720);
      await expect(loadFrom(place)).rejects.toMatchObject({ code: 'FAILED_PRECONDITION', message: `${path} can be written by others` });
      await chmod(path, 0o702);
      await expect(loadFrom(place)).rejects.toThrow(`${path} can be written by others`);
    });

    // Only root can give a file away.
    it.runIf(process.getuid?.() === 0).each(places)('are refused: %s of another user', async (place) => {
      const path = await prepare(place);
      await chown(path, 54_321, 54_321);
      await expect(loadFrom(place)).rejects.toMatchObject({ code: 'FAILED_PRECONDITION', message: `${path} belongs to another user` });
    });
  });

  it.each([
    ['tenant: acme', 'tenant: expected mapping of provider and org'],
    ['tenant: {org: acme}', 'tenant needs both provider and org'],
    ['- a', 'expected mapping'],
  ])('refuse a shared file that says %j', async (content, message) => {
    await writeFile(join(folder, '.murmur', 'murmur.yaml'), content);
    await expect(loadSettings(testSurroundings({ cwd: folder }), {})).rejects.toThrow(message);
  });

  it('refuse an address that is none', async () => {
    const surroundings = testSurroundings({ cwd: tmpdir() });
    await expect(loadSettings(surroundings, { server: 'ftp://x' })).rejects.toMatchObject({ exitCode: 2 });
    await expect(loadSettings(surroundings, { server: 'http://' })).rejects.toMatchObject({ exitCode: 2 });
  });

  it.each([
    ['http://127.0.0.1:7007', true],
    ['http://localhost:1', true],
    ['http://[::1]:7007', true],
    ['http://127.0.0.1.example.com', false],
    ['http://10.0.0.1', false],
  ])('know whether %s is this machine', (address, expected) => {
    expect(isOnThisMachine(address)).toBe(expected);
  });
  it('know what can be read on its way', () => {
    expect(['http://192.0.2.1:7007', 'http://murmur.example.com', 'http://[2001:db8::1]'].map(isReadableOnItsWay)).toEqual([
      true,
      true,
      true,
    ]);
    expect(['https://192.0.2.1', 'http://127.0.0.1:1', 'http://localhost', 'http://[::1]'].map(isReadableOnItsWay)).toEqual(
      Array(4).fill(false),
    );
    const own = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
    for (const { address } of own.filter(({ family }) => family === 'IPv4')) expect(isReadableOnItsWay(`http://${address}:1`)).toBe(false);
  });
});
