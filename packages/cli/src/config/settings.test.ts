import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { testSurroundings } from '../testing.js';
import { isLoopback, loadSettings } from './settings.js';

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
    expect(settings).toEqual({ server: 'http://file:1', tenant: 'github_app/acme', apiKey: 'mur_file.x' });
  });

  it('let the environment win over files, and flags over the environment', async () => {
    const env = { MURMUR_SERVER: 'http://env:2/', MURMUR_TENANT: 'local/env', MURMUR_API_KEY: 'mur_env.x' };
    const surroundings = testSurroundings({ cwd: folder, env });
    expect(await loadSettings(surroundings, {})).toEqual({ server: 'http://env:2', tenant: 'local/env', apiKey: 'mur_env.x' });
    const keyFile = join(folder, 'key');
    await writeFile(keyFile, 'mur_flag.x\n');
    const flags = { server: 'flag:3', tenant: 'local/flag', apiKeyFile: keyFile };
    expect(await loadSettings(surroundings, flags)).toEqual({ server: 'http://flag:3', tenant: 'local/flag', apiKey: 'mur_flag.x' });
  });

  it('warn when others can read the key', async () => {
    const file = join(folder, '.murmur', 'murmur.local.yaml');
    await chmod(file, 0o644);
    const surroundings = testSurroundings({ cwd: folder });
    await loadSettings(surroundings, {});
    expect(surroundings.stderr.text()).toBe(`murmur: warning: ${file} holds an API key and others can read it; run: chmod 600 ${file}\n`);
  });

  it('find the admin key of a server on this machine, and never send it elsewhere', async () => {
    await mkdir(join(folder, 'share', 'murmur'), { recursive: true });
    await writeFile(join(folder, 'share', 'murmur', 'admin.key'), 'mur_admin.x\n');
    const surroundings = testSurroundings({ cwd: tmpdir(), env: { XDG_DATA_HOME: join(folder, 'share') } });
    expect((await loadSettings(surroundings, {})).apiKey).toBe('mur_admin.x');
    expect((await loadSettings(surroundings, { server: 'https://murmur.example.com' })).apiKey).toBeUndefined();
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
    expect(isLoopback(address)).toBe(expected);
  });
});
