import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { changeLogin, loginsFile, readLogin, type StoredLogin } from './logins.js';

const login = (refreshToken: string): StoredLogin => ({ issuer: 'https://i', clientId: 'c', idToken: 't', expiresAt: 1, refreshToken });

describe('stored logins', () => {
  let file = '';
  beforeEach(async () => {
    file = join(await mkdtemp(join(tmpdir(), 'murmur-logins-')), 'murmur', 'credentials.json');
  });
  afterEach(() => rm(dirname(dirname(file)), { recursive: true }));

  it('are where the user keeps configuration', () => {
    expect(loginsFile({ env: {}, home: '/home/ana' })).toBe('/home/ana/.config/murmur/credentials.json');
    expect(loginsFile({ env: { XDG_CONFIG_HOME: '/etc/ana' }, home: '/home/ana' })).toBe('/etc/ana/murmur/credentials.json');
  });

  it('are kept for each server, and leave nothing else behind', async () => {
    await changeLogin(file, 'https://a', async () => login('1'));
    await changeLogin(file, 'https://b', async () => login('2'));
    await changeLogin(file, 'https://a', async () => undefined);
    expect(await readLogin(file, 'https://a')).toBeUndefined();
    expect(await readLogin(file, 'https://b')).toEqual(login('2'));
    expect(await readLogin(file, 'constructor')).toBeUndefined();
    expect(await readdir(dirname(file))).toEqual(['credentials.json']);
  });

  it('are closed to others, whatever the folder was before', async () => {
    await mkdir(dirname(file), { mode: 0o755 });
    await writeFile(file, '{}');
    await chmod(file, 0o644);
    await changeLogin(file, 'https://a', async () => login('1'));
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await stat(dirname(file))).mode & 0o777).toBe(0o700);
  });

  it('lose no change among many at once', async () => {
    await changeLogin(file, 'https://a', async () => login('0'));
    const increase = async (current: StoredLogin | undefined) => login(String(Number(current?.refreshToken) + 1));
    await Promise.all(Array.from({ length: 20 }, () => changeLogin(file, 'https://a', increase)));
    expect((await readLogin(file, 'https://a'))?.refreshToken).toBe('20');
  });

  it('stay as they were when a change fails, and can be changed again', async () => {
    await changeLogin(file, 'https://a', async () => login('1'));
    const before = await readFile(file, 'utf8');
    await expect(changeLogin(file, 'https://a', () => Promise.reject(new Error('refused')))).rejects.toThrow('refused');
    expect(await readFile(file, 'utf8')).toBe(before);
    await changeLogin(file, 'https://a', async () => login('2'));
  });

  it('do not wait for a process that died while it changed them', async () => {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(`${file}.lock`, '');
    const longAgo = new Date(Date.now() - 3_600_000);
    await utimes(`${file}.lock`, longAgo, longAgo);
    await changeLogin(file, 'https://a', async () => login('1'));
    expect(await readLogin(file, 'https://a')).toEqual(login('1'));
  });

  it.each(['[]', '{"https://a": 1}', '{"https://a": {"issuer": "i"}}', 'x', ''])('are damaged when the file holds %j', async (text) => {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
    await expect(readLogin(file, 'https://a')).rejects.toThrow(`${file} is damaged`);
  });
});
