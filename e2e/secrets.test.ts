import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { logHas, logOf, runEnded, runsOf, setRecipe } from './harness/bakes.js';
import { murmur, murmurOk } from './harness/cli.js';
import { connectToDatabase } from './harness/database.js';
import { machinesOf, processesNaming } from './harness/machines.js';
import { startServer, type TestServer } from './harness/server.js';
import { setTinyImage } from './harness/tiny-base.js';

const place = ['murmur-qemu-small', 'murmur-qemu-local'] as const;

/** With characters that every encoding has to change. */
const token = 'tok/3n+of=the e2e&test?Zq9~';
const listed = 'allow-listed:Value%42"quoted"';

/** Every spelling of the secrets; of base64 what does not depend on the bytes around, at each of the three places to begin at. */
const spelled = [token, listed].flatMap((value) => [
  value,
  Buffer.from(value).toString('hex'),
  Buffer.from(value).toString('hex').toUpperCase(),
  encodeURIComponent(value),
  JSON.stringify(value).slice(1, -1),
  ...[0, 1, 2].map((offset) =>
    Buffer.from(`${'x'.repeat(offset)}${value}`)
      .toString('base64')
      .slice(4, -4),
  ),
]);
const spellings = [...new Set(spelled)];

const script = `#!/bin/sh
echo "raw $TOKEN and $LISTED."
printf %s "$TOKEN" | base64
printf %s "$LISTED" | od -An -v -tx1 | tr -d ' \\n'; echo
printf %s "$TOKEN" | sed 's/%/%25/g;s|/|%2F|g;s/+/%2B/g;s/=/%3D/g;s/ /%20/g;s/&/%26/g;s/?/%3F/g'; echo
printf %s "$LISTED" | sed 's/"/\\\\"/g'; echo
printf 'user:%s' "$TOKEN" | base64 -w 0; echo
printf %s "$TOKEN" | cut -c 1-9 | tr -d '\\n'; sleep 1; printf %s "$TOKEN" | cut -c 10-
echo "on standard error: $TOKEN" >&2
echo waiting
sleep 600
`;

describe('what -e forwards to a bake', () => {
  let server: TestServer;
  let id = '';

  beforeAll(async () => {
    server = await startServer();
    await setTinyImage(server);
    await setRecipe(server, 'talkative', script, { secret_allowlist: ['LISTED'] });
    const args = ['bake', '-e', 'TOKEN', '-e', 'LISTED', 'talkative', ...place];
    const { code, stderr } = await murmur(server, args, { env: { TOKEN: token, LISTED: listed } });
    expect(code, stderr).toBe(0);
    id = (await runsOf(server, 'talkative'))[0]?.run_id ?? '';
    await logHas(server, id, 'waiting\n');
  });
  afterAll(() => server.remove());

  const sealedVariables = async (): Promise<Buffer | null> => {
    const { database, close } = await connectToDatabase(server);
    try {
      const row = await database.selectFrom('runs').select('sealed_variables').where('id', '=', id).executeTakeFirstOrThrow();
      return row.sealed_variables;
    } finally {
      await close();
    }
  };

  it('reaches the script, and is taken out of its log in every spelling', async () => {
    const lines = (await logOf(server, id)).trimEnd().split('\n');
    expect(lines).toEqual([
      'raw [redacted] and [redacted].',
      '[redacted]',
      '[redacted]',
      '[redacted]',
      '[redacted]',
      expect.stringMatching(/^dXNlcj\S{0,3}\[redacted\]\S{0,4}$/),
      '[redacted]',
      'on standard error: [redacted]',
      'waiting',
    ]);
  });

  it('is in no argument, in no environment of a machine, and in no file of the server while the script runs', async () => {
    for (const spelling of spellings) expect(await processesNaming(spelling)).toEqual([]);
    const [machine, ...others] = await machinesOf(server.dataDir);
    expect(others).toEqual([]);
    expect(spelledIn(await readFile(`/proc/${machine?.pid ?? 'none'}/environ`))).toEqual([]);
    expect((await sealedVariables())?.length).toBeGreaterThan(0);
    expect(await filesSpelling(server.dataDir)).toEqual([]);

    const planted = join(server.dataDir, 'planted');
    await writeFile(planted, `x${token}x`);
    expect(await filesSpelling(server.dataDir)).toEqual([`${planted}: ${token}`]);
    await rm(planted);
  });

  it('is forgotten when the bake has ended', async () => {
    await murmurOk(server, ['bakes', 'cancel', id]);
    expect(await runEnded(server, 'talkative')).toMatchObject({ phase: 'cancelled' });
    expect(await sealedVariables()).toBeNull();
    // What is still in memory only goes to the files when the database stops.
    expect(await server.stop()).toBe(0);
    expect(await filesSpelling(server.dataDir)).toEqual([]);
    await server.start();
  });
});

/** The files below a folder that hold a secret, with how it is spelled there. */
async function filesSpelling(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  expect(files.length).toBeGreaterThan(100);
  const found: string[] = [];
  for (const file of files) found.push(...spelledIn(await contentOf(file)).map((spelling) => `${file}: ${spelling}`));
  return found;
}

function spelledIn(content: Buffer): readonly string[] {
  return spellings.filter((spelling) => content.includes(spelling));
}

/** Empty for a file that was removed while we looked. */
async function contentOf(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return Buffer.alloc(0);
    throw error;
  }
}
