import { readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { StartBakeResponse_Outcome as Outcome } from '@murmur/api';
import { sql } from 'kysely';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';

import { setResource } from '../../catalog/verbs/set.js';
import { startTestBakery, type TestBakery } from '../testing.js';
import { createReaper } from '../upkeep/reaper.js';
import { testContext } from '../../catalog/testing.js';

const minutes = 60_000;

let kitchen: TestBakery;
beforeAll(async () => {
  kitchen = await startTestBakery();
});
afterEach(() => {
  vi.restoreAllMocks();
});
afterAll(async () => {
  await kitchen[Symbol.asyncDispose]();
});

const reapParts = () => ({
  database: kitchen.db.database,
  substrates: new Map([['QEMU', kitchen.substrate]] as const),
  installation: kitchen.installation,
  log: pino({ level: 'silent' }),
});

test('a baked image answers the next bake, until it is forced or damaged', { timeout: 5 * minutes }, async () => {
  await kitchen.setRecipe('plain', {
    script:
      '#!/bin/sh\necho hello from $(hostname)\nprintf "\\033[1mbold\\033[0m\\a\\n"\necho done >/opt/made\n' +
      'mkdir -p /var/tmp/bound && mount -o bind /opt /var/tmp/bound\n',
  });
  const first = await kitchen.bake('plain');
  expect(first.outcome).toBe(Outcome.STARTED);
  const { log, bake } = await kitchen.follow(first.runId);
  expect(log).toBe('hello from tiny\n\u001B[1mbold\u001B[0m\u0007\nmurmur: unmounted what the script had left mounted: /var/tmp/bound\n');
  expect(bake).toMatchObject({ phase: 'completed', error: '', imageName: `plain-${first.imageHash.slice(0, 16)}` });
  expect(await kitchen.leftovers()).toEqual([]);
  const { reference } = await kitchen.db.database.selectFrom('artifacts').select('reference').executeTakeFirstOrThrow();
  const { diskDigest } = reference as { diskDigest: string };
  const place = join(kitchen.dataDir, 'images', diskDigest.replace(':', '-'));
  // As a power cut may leave it that takes back what the catalog counted on.
  await rename(place, join(kitchen.dataDir, 'images', `.making-${first.runId}-1-capture`));
  await createReaper(reapParts()).round();
  const again = await kitchen.bake('plain');
  expect(again).toMatchObject({ outcome: Outcome.CACHED, runId: first.runId, imageName: bake.imageName, artifactName: first.artifactName });

  await rm(place, { recursive: true });
  const rebaked = await kitchen.bake('plain');
  expect(rebaked).toMatchObject({ outcome: Outcome.STARTED, imageName: `${bake.imageName}-2` });
  expect(rebaked.artifactName).not.toBe(first.artifactName);
  expect((await kitchen.follow(rebaked.runId)).bake.phase).toBe('completed');
  expect(await kitchen.bake('plain')).toMatchObject({ outcome: Outcome.CACHED, imageName: `${bake.imageName}-2` });

  const forced = await kitchen.bake('plain', { forceNew: true });
  expect(forced).toMatchObject({ outcome: Outcome.STARTED, imageName: `${bake.imageName}-3` });
  expect(await kitchen.bake('plain', { forceNew: true })).toMatchObject({ outcome: Outcome.IN_PROGRESS, runId: forced.runId });
  expect(await kitchen.bake('plain')).toMatchObject({ outcome: Outcome.CACHED, imageName: `${bake.imageName}-2` });
  await kitchen.bakery.cancel(kitchen.caller, kitchen.cancelRequest(forced.runId));
  expect((await kitchen.follow(forced.runId)).bake.phase).toBe('cancelled');
  expect(await kitchen.leftovers()).toEqual([]);
});

test(
  "a server whose clock is an hour off the database's neither times a script out nor takes a kept machine away",
  { timeout: 2 * minutes },
  async () => {
    const now = Date.now.bind(Date);
    vi.spyOn(Date, 'now').mockImplementation(() => now() + 60 * minutes);
    await kitchen.setRecipe('timely', { script: '#!/bin/sh\nsleep 3\nexit 4\n' });
    const { runId } = await kitchen.bake('timely', { keepOnFailure: '30m' });
    expect((await kitchen.follow(runId)).bake).toMatchObject({ phase: 'failed', error: 'script exited with code 4' });
    await createReaper(reapParts()).round();
    expect(await kitchen.leftovers()).toEqual([`machine ${runId}-1-launch`]);
    await kitchen.db.database.updateTable('runs').set({ kept_until: null }).where('id', '=', runId).execute();
    await createReaper(reapParts()).round();
    expect(await kitchen.leftovers()).toEqual([]);
  },
);

test(
  'a failing script fails the bake with its code and last lines, without its secrets, and its machine can be kept',
  { timeout: 2 * minutes },
  async () => {
    await kitchen.setRecipe('broken', {
      script:
        '#!/bin/sh\nenv | grep -c NPM_TOKEN\nfor n in 1 2 3 4 5 6 7 8 9 10 11 12; do echo "line $n"; done\necho "token is $NPM_TOKEN" >&2\nexit 3\n',
      secrets: ['NPM_TOKEN'],
    });
    const started = await kitchen.bake('broken', { variables: { NPM_TOKEN: 'npm_s3cr3t' }, keepOnFailure: '30m' });
    const { bake, log } = await kitchen.follow(started.runId);
    expect(bake.phase).toBe('failed');
    const lines = ['line 4', 'line 5', 'line 6', 'line 7', 'line 8', 'line 9', 'line 10', 'line 11', 'line 12', 'token is [redacted]'];
    expect(bake.error).toBe(`script exited with code 3\n${lines.join('\n')}`);
    expect(log).toMatch(/^murmur: the values of NPM_TOKEN are redacted in this log\n1\nline 1\n/);
    expect(log.match(/are redacted/g)).toHaveLength(1);
    expect(log).not.toContain('s3cr3t');
    expect(bake.keptMachine?.shellCommand).toMatch(/^ssh /);
    expect(log).toContain('murmur: the failed machine stays up for 30m0s; a shell on it: ssh ');
    const row = await kitchen.db.database
      .selectFrom('runs')
      .select('sealed_variables')
      .where('id', '=', started.runId)
      .executeTakeFirstOrThrow();
    expect(row.sealed_variables).toBeNull();

    await createReaper(reapParts()).round();
    expect(await kitchen.leftovers()).toEqual([`machine ${started.runId}-1-launch`]);
    await kitchen.db.database
      .updateTable('runs')
      .set({ kept_until: sql<Date>`now() - interval '1 second'` })
      .where('id', '=', started.runId)
      .execute();
    await createReaper(reapParts()).round();
    expect(await kitchen.leftovers()).toEqual([]);
    const open = await kitchen.db.database.selectFrom('intents').select('token').where('settled_at', 'is', null).execute();
    expect(open).toEqual([]);
  },
);

test.each(['launching', 'capturing'])('a bake cancelled while it is %s leaves nothing behind', { timeout: 2 * minutes }, async (phase) => {
  await kitchen.setRecipe(`cancelled-${phase}`, { script: '#!/bin/sh\ntrue\n' });
  const { runId } = await kitchen.bake(`cancelled-${phase}`);
  await kitchen.reaches(runId, phase);
  await kitchen.bakery.cancel(kitchen.caller, kitchen.cancelRequest(runId));
  const { bake, log } = await kitchen.follow(runId);
  expect(bake).toMatchObject({ phase: 'cancelled', error: '' });
  expect(log).toContain('murmur: the bake was cancelled\n');
  await expect(kitchen.bakery.cancel(kitchen.caller, kitchen.cancelRequest(runId))).rejects.toMatchObject({
    code: 'FAILED_PRECONDITION',
    message: `bake "${runId}" has ended already: cancelled`,
  });
  expect(await kitchen.leftovers()).toEqual([]);
  const used = await kitchen.db.database.selectFrom('run_references').select('target_name').where('run_id', '=', runId).execute();
  expect(used).toEqual([]);
});

test('an image name that is taken while the bake runs fails it, and the captured disk goes', { timeout: 2 * minutes }, async () => {
  await kitchen.setRecipe('late', { script: '#!/bin/sh\necho made >/opt/late\n' });
  const before = await readdir(join(kitchen.dataDir, 'images'));
  const { imageName, runId } = await kitchen.bake('late');
  const document = JSON.stringify({
    name: imageName,
    architecture: 'ARCHITECTURE_AMD64',
    qemu: { disk_digest: `sha256:${'0'.repeat(64)}` },
  });
  await setResource(testContext(kitchen.db.database, kitchen.caller), { kind: 'image', name: imageName, document, fields: [] });
  const { bake } = await kitchen.follow(runId);
  expect(bake).toMatchObject({ phase: 'failed', error: `image "${imageName}" already exists and was not baked` });
  expect(await kitchen.leftovers()).toEqual([]);
  expect((await readdir(join(kitchen.dataDir, 'images'))).toSorted()).toEqual(before.toSorted());
});

test.each([
  ['poweroff', 'the script powered the machine off'],
  ['reboot', 'the script restarted the machine'],
])('a script that ends with %s fails once, in words that say so', { timeout: 3 * minutes }, async (command, words) => {
  await kitchen.setRecipe(command, { script: `#!/bin/sh\n${command}\nsleep 600\n`, timeout: '5m' });
  const { runId } = await kitchen.bake(command);
  const { bake, log } = await kitchen.follow(runId);
  expect(bake).toMatchObject({ phase: 'failed', error: words });
  expect(log).not.toContain('attempt');
  expect(await kitchen.leftovers()).toEqual([]);
});

test('a script that leaves an image which would not start fails once, with the reason', { timeout: 3 * minutes }, async () => {
  await kitchen.setRecipe('startless', { script: '#!/bin/sh\nrm /sbin/init\necho LABEL=none /data ext4 >>/etc/fstab\n', timeout: '5m' });
  const { runId } = await kitchen.bake('startless');
  const { bake, log } = await kitchen.follow(runId);
  const reasons = '/sbin/init is missing, /etc/fstab names LABEL=none for /data, which this machine does not have, without nofail';
  expect(bake).toMatchObject({ phase: 'failed', error: `no machine of this image could be used: ${reasons}` });
  expect(log).not.toContain('attempt');
  expect(await kitchen.leftovers()).toEqual([]);
});
