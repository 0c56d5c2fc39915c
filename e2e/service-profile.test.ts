import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { logOf, runEnded, setRecipe } from './harness/bakes.js';
import { murmur, murmurOk } from './harness/cli.js';
import { refusal } from './harness/refusals.js';
import { startServer, type TestServer } from './harness/server.js';
import { setTinyImage } from './harness/tiny-base.js';

const place = ['murmur-qemu-small', 'murmur-qemu-local'] as const;

/** A GitHub App tenant whose admin may do everything, and a member who may change recipes and assume one profile. */
describe('bake --service-profile', () => {
  let server: TestServer;
  let admin: TestServer;
  let member: TestServer;

  const as = (apiKey: string): TestServer =>
    new Proxy(server, { get: (target, name: keyof TestServer) => (name === 'apiKey' ? apiKey : target[name]) });
  const set = (kind: string, name: string, fields: object) =>
    murmurOk(admin, ['set', kind, name], { stdin: JSON.stringify({ name, ...fields }) });

  beforeAll(async () => {
    server = await startServer();
    await server.stop();
    await writeFile(join(server.dataDir, 'server.yaml'), 'local_tenants: [github_app/acme]\n');
    await server.start();
    admin = as((await murmurOk(server, ['tenant', 'create', 'github_app/acme', '--admin', 'ana'])).trim());
    member = as((await murmurOk(admin, ['key', 'create', 'ben'])).trim());
    await setTinyImage(admin);
    for (const name of ['LENT', 'KEPT']) await murmurOk(admin, ['secret', 'set', name], { stdin: `value of ${name}` });
    await set('service-profile', 'ci-bot', { grants: [{ user: 'ben' }], secret_refs: ['LENT'] });
    await set('service-profile', 'other-bot', {});
    await set('tenant-binding', 'bakers', { users: ['ben'], permissions: ['recipe.edit', 'recipe.create', 'recipe.read', '*.list'] });
    await setRecipe(admin, 'modest', '#!/bin/sh\nprintf %s "$LENT" | wc -c\necho "[$LENT] [$KEPT]"\n', { secret_allowlist: ['LENT'] });
    await setRecipe(admin, 'greedy', '#!/bin/sh\ntrue\n', { secret_allowlist: ['LENT', 'KEPT'] });
  });
  afterAll(() => server.remove());

  it('lends the script the profile’s secrets', async () => {
    const { code, stderr } = await murmur(member, ['bake', '--service-profile', 'ci-bot', 'modest', ...place]);
    expect(code, stderr).toBe(0);
    const { phase, run_id } = await runEnded(admin, 'modest');
    expect(phase).toBe('completed');
    expect(await logOf(admin, run_id)).toBe('murmur: the values of LENT are redacted in this log\n13\n[[redacted]] []\n');
  });

  it.each<[string, string[], string]>([
    ['a secret that is not lent', ['ci-bot', 'greedy'], 'FAILED_PRECONDITION: secret_allowlist[1]: secret "KEPT" does not exist'],
    ['a profile that is another’s', ['other-bot', 'modest'], 'PERMISSION_DENIED: missing permission service-profile.assume'],
    [
      'a profile that does not exist, to who may not know',
      ['nobody', 'modest'],
      'PERMISSION_DENIED: missing permission service-profile.assume',
    ],
  ])('refuses %s', async (_, [profile = '', recipe = ''], fault) => {
    const { code, faults } = await refusal(member, ['bake', '--service-profile', profile, recipe, ...place]);
    expect({ code, faults }).toEqual({ code: 1, faults: [fault] });
  });

  it('names a profile that does not exist to who may know', async () => {
    const { faults } = await refusal(admin, ['bake', '--service-profile', 'nobody', 'modest', ...place]);
    expect(faults).toEqual(['NOT_FOUND: service-profile "nobody" not found']);
  });

  it('does not go with -e, wherever it is asked for', async () => {
    for (const one of [admin, member, server]) {
      const { faults } = await refusal(one, ['bake', '--service-profile', 'ci-bot', '-e', 'A=b', 'modest', ...place]);
      expect(faults).toEqual(['INVALID_ARGUMENT: --service-profile and -e are mutually exclusive']);
    }
    const { faults } = await refusal(server, ['bake', '--service-profile', 'ci-bot', 'modest', ...place]);
    expect(faults).toEqual(['INVALID_ARGUMENT: --service-profile is only available for GitHub App tenants']);
  });
});
