import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { loadSettings } from '../config/settings.js';
import { runForTest, testSurroundings } from '../testing.js';

describe('contexts', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'murmur-contexts-'));
  });
  afterEach(() => rm(folder, { recursive: true }));
  const run = async (...args: string[]) => runForTest(args, { env: { XDG_CONFIG_HOME: folder }, cwd: folder });
  const serverOf = async (env: Record<string, string> = {}, globals = {}) => {
    const { server, tenant } = await loadSettings(testSurroundings({ env: { XDG_CONFIG_HOME: folder, ...env }, cwd: folder }), globals);
    return tenant === undefined ? server : `${server} ${tenant}`;
  };

  beforeEach(async () => {
    await run('context', 'add', 'prod', '--server', 'https://murmur.example.com/', '--tenant', 'github_app/acme');
    await run('context', 'add', '--server', 'http://127.0.0.1:9000', 'here');
  });

  it('are kept for this user alone, and the first is used', async () => {
    expect((await run('context', 'ls')).stdout).toBe(
      '    NAME   SERVER                       TENANT\n*   prod   https://murmur.example.com   github_app/acme\n    here   http://127.0.0.1:9000\n',
    );
    expect((await stat(join(folder, 'murmur', 'contexts.json'))).mode & 0o777).toBe(0o600);
    expect(await serverOf()).toBe('https://murmur.example.com github_app/acme');
  });

  it('are chosen for all commands, for a shell, or for one command; a server that is named goes before', async () => {
    expect((await run('context', 'use', 'here')).stdout).toBe('Using context "here", http://127.0.0.1:9000\n');
    expect(await serverOf()).toBe('http://127.0.0.1:9000');
    expect(await serverOf({ MURMUR_CONTEXT: 'prod' })).toBe('https://murmur.example.com github_app/acme');
    expect(await serverOf({ MURMUR_SERVER: 'http://127.0.0.1:1' })).toBe('http://127.0.0.1:1');
    expect(await serverOf({ MURMUR_SERVER: 'http://127.0.0.1:1' }, { context: 'prod' })).toBe('https://murmur.example.com github_app/acme');
    expect(await serverOf({}, { context: 'prod', server: 'http://127.0.0.1:1' })).toBe('http://127.0.0.1:1');
  });

  it('are forgotten, also the one in use', async () => {
    await run('context', 'rm', 'prod');
    expect(await serverOf()).toBe('http://127.0.0.1:7007');
    expect(JSON.parse(await readFile(join(folder, 'murmur', 'contexts.json'), 'utf8'))).toEqual({
      contexts: { here: { server: 'http://127.0.0.1:9000' } },
    });
  });

  it.each([
    [['context', 'use', 'none'], 'there is no context "none"'],
    [['context', 'rm', 'none'], 'there is no context "none"'],
    [['get', 'recipe', '--context', 'none'], 'there is no context "none"'],
    [['context', 'add', 'x'], '--server is required'],
    [['context', 'add', 'a/b', '--server', 'http://x'], 'context name "a/b" must be letters'],
  ])('%j is wrong usage', async (args, message) => {
    const { code, stderr } = await run(...args);
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
  });

  it('that are damaged are named', async () => {
    await writeFile(join(folder, 'murmur', 'contexts.json'), '[]');
    expect((await run('context', 'ls')).stderr).toContain('contexts.json is damaged');
  });
});
