import { execFile } from 'node:child_process';
import { copyFile, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { logHas, logOf, runEnded, runsOf, setRecipe } from './harness/bakes.js';
import { murmur, murmurOk } from './harness/cli.js';
import { connectToDatabase } from './harness/database.js';
import { machinesOf } from './harness/machines.js';
import { refusal } from './harness/refusals.js';
import { startServer, type TestServer } from './harness/server.js';
import { filesSpelling, processesSpelling, spelledIn, spellingsOf } from './harness/spellings.js';
import { setTinyImage } from './harness/tiny-base.js';

const place = ['murmur-qemu-small', 'murmur-qemu-local'] as const;

/** With characters that every encoding has to change. */
const token = 'tok/3n+of=the e2e&test?Zq9~';
const listed = 'allow-listed:Value%42"quoted"';

const spellings = spellingsOf([token, listed]);

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
      'murmur: the values of LISTED, TOKEN are redacted in this log',
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

  it('is in no argument, in no environment of a process, and in no file of the server while the script runs', async () => {
    expect(await machinesOf(server.dataDir)).toHaveLength(1);
    expect(await processesSpelling(spellings)).toEqual([]);
    expect((await sealedVariables())?.length).toBeGreaterThan(0);
    expect(await filesSpelling(server.dataDir, spellings)).toEqual([]);

    const planted = join(server.dataDir, 'planted');
    await writeFile(planted, `x${token}x`);
    expect(await filesSpelling(server.dataDir, spellings)).toEqual([`${planted}: ${token}`]);
    await rm(planted);
  });

  it('is forgotten when the bake has ended', async () => {
    await murmurOk(server, ['bakes', 'cancel', id]);
    expect(await runEnded(server, 'talkative')).toMatchObject({ phase: 'cancelled' });
    expect(await sealedVariables()).toBeNull();
    // What is still in memory only goes to the files when the database stops.
    expect(await server.stop()).toBe(0);
    expect(await filesSpelling(server.dataDir, spellings)).toEqual([]);
    await server.start();
  });
});

const first = 'dep/loy+first=secret&of the catalog?"1"';
const second = 'dep/loy+second=secret&of the catalog?"2"';
const forwarded = 'for/ward+ed=with -e&"3"';
const all = spellingsOf([first, second, forwarded]);

/** Says nothing of its own about the values, and writes them nowhere. */
const quiet = `#!/bin/sh
echo "$DEPLOY_TOKEN $FORWARDED $UNLISTED"
printf %s "$DEPLOY_TOKEN" | wc -c
echo waiting
sleep 10
echo "still $DEPLOY_TOKEN"
echo made >/opt/made
`;

describe('a secret of the catalog', () => {
  let server: TestServer;
  let id = '';
  const bake = async (recipe: string, ...flags: string[]) =>
    murmur(server, ['bake', ...flags, recipe, ...place], { env: { FORWARDED: forwarded } });

  beforeAll(async () => {
    server = await startServer();
    await setTinyImage(server);
    for (const name of ['DEPLOY_TOKEN', 'UNLISTED']) {
      expect(await murmurOk(server, ['secret', 'set', name], { stdin: `${first}\n` })).toBe(`Set secret "${name}"\n`);
    }
    await setRecipe(server, 'quiet', quiet, { secret_allowlist: ['DEPLOY_TOKEN'] });
    const { code, stderr } = await bake('quiet', '-e', 'FORWARDED');
    expect(code, stderr).toBe(0);
    id = (await runsOf(server, 'quiet'))[0]?.run_id ?? '';
    await logHas(server, id, 'waiting\n');
  });
  afterAll(() => server.remove());

  it('is seen by the script alone while that runs, also once it is replaced', async () => {
    expect(await machinesOf(server.dataDir)).toHaveLength(1);
    expect(await processesSpelling(all)).toEqual([]);
    expect(await filesSpelling(server.dataDir, all)).toEqual([]);
    await murmurOk(server, ['secret', 'set', 'DEPLOY_TOKEN'], { stdin: second });
    expect(await runEnded(server, 'quiet')).toMatchObject({ phase: 'completed' });
    const named = 'murmur: the values of DEPLOY_TOKEN, FORWARDED are redacted in this log';
    const lines = [named, '[redacted] [redacted] ', String(first.length), 'waiting', 'still [redacted]', ''];
    expect(await logOf(server, id)).toBe(lines.join('\n'));
  });

  it('is in no table of the database, no file of the server, and not in the image', async () => {
    const { pool, close } = await connectToDatabase(server);
    try {
      const { rows: tables } = await pool.query<{ name: string }>(
        `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname not in ('pg_catalog', 'information_schema')`,
      );
      expect(tables.map(({ name }) => name)).toEqual(
        expect.arrayContaining(['public.secret_values', 'public.runs', 'dbos.workflow_status']),
      );
      for (const { name } of tables) {
        const { rows } = await pool.query<{ row: string }>(`select t::text as row from ${name} as t`);
        expect([name, spelledIn(Buffer.from(rows.map(({ row }) => row).join('\n')), all)]).toEqual([name, []]);
      }
    } finally {
      await close();
    }
    const image = (await runsOf(server, 'quiet'))[0]?.image_name ?? '';
    const [exported, raw] = [join(server.dataDir, 'exported.qcow2'), join(server.dataDir, 'exported.raw')];
    await murmurOk(server, ['image', 'export', image, exported]);
    await promisify(execFile)('qemu-img', ['convert', '-O', 'raw', exported, raw]);
    const disk = await readFile(raw);
    expect(disk.includes('made\n')).toBe(true);
    expect(spelledIn(disk, all)).toEqual([]);
    expect(await filesSpelling(server.dataDir, all)).toEqual([]);
  });

  it('is asked for when something has to be built, and not before', async () => {
    await murmurOk(server, ['secret', 'rm', 'DEPLOY_TOKEN']);
    expect((await bake('quiet', '-e', 'FORWARDED')).stdout).toContain('already cached');
    expect(await refusal(server, ['bake', '--force-new', '-e', 'FORWARDED=x', 'quiet', ...place])).toEqual({
      code: 1,
      faults: ['FAILED_PRECONDITION: secret_allowlist[0]: secret "DEPLOY_TOKEN" does not exist'],
      hints: ['Store it with "murmur secret set DEPLOY_TOKEN", or forward it with "-e DEPLOY_TOKEN".'],
    });
  });

  it('is of no use to who has the database without the master key, and outlives that key’s rotation', async () => {
    await murmurOk(server, ['secret', 'set', 'DEPLOY_TOKEN'], { stdin: second });
    expect(await server.stop()).toBe(0);
    expect(await filesSpelling(server.dataDir, all)).toEqual([]);

    const [file, elsewhere] = [join(server.dataDir, 'master.key'), join(server.dataDir, 'elsewhere')];
    await rename(file, elsewhere);
    await expect(server.start()).rejects.toThrow(/this database was encrypted with master key [0-9a-f]{16}, and \S+ does not exist/);
    await writeFile(file, Buffer.alloc(32, 7), { mode: 0o600 });
    await expect(server.start()).rejects.toThrow(/encrypted with master key [0-9a-f]{16}, and \S+ holds [0-9a-f]{16}/);
    await copyFile(elsewhere, file);

    const rotated = await murmurOk(server, ['server', 'rotate-key', '--data-dir', server.dataDir]);
    expect(rotated).toMatch(/^Rotated the master key: it is [0-9a-f]{16} in \S+master\.key; it was [0-9a-f]{16}\n/);
    expect((await readFile(file)).equals(await readFile(elsewhere))).toBe(false);
    await server.start();
    await setRecipe(server, 'again', '#!/bin/sh\nprintf %s "$DEPLOY_TOKEN" | wc -c\n', { secret_allowlist: ['DEPLOY_TOKEN'] });
    expect((await bake('again')).code).toBe(0);
    const { run_id } = await runEnded(server, 'again');
    expect(await logOf(server, run_id)).toMatch(new RegExp(`\\n${second.length}\\n$`));
  });
});
