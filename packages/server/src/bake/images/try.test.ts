import { createHash } from 'node:crypto';
import { access, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execFileSync } from 'node:child_process';

import { create } from '@bufbuild/protobuf';
import { Architecture, ExportImageRequestSchema, ImageSchema, type TryImageRequest, TryImageRequestSchema } from '@murmur/api';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { writePlatformImage } from '../../catalog/builtins.js';
import { testContext } from '../../catalog/testing.js';
import { setResource } from '../../catalog/verbs/set.js';
import { openKeyFile } from '../../secrets/key-provider.js';
import { createTenantKeys } from '../../secrets/tenant-keys.js';
import { createQemuSubstrate } from '../../substrates/qemu/index.js';
import { buildTinyBase } from '../../substrates/qemu/tiny.js';
import { PlatformFault, type Substrate, type SubstrateName } from '../../substrates/substrate.js';
import { createAdmission } from '../room/admission.js';
import { testRoom } from '../room/testing.js';
import { createReaper } from '../upkeep/reaper.js';
import { startTestBakery, type TestBakery } from '../testing.js';
import { tryImage } from './try.js';

let kitchen: TestBakery;
beforeAll(async () => {
  kitchen = await startTestBakery();
});
afterAll(async () => {
  await kitchen[Symbol.asyncDispose]();
});

const never = new AbortController().signal;

function request(command: string[], image = 'murmur-qemu-base'): TryImageRequest {
  return create(TryImageRequestSchema, { image, environment: 'murmur-qemu-small', placement: 'murmur-qemu-local', command });
}

test('a command runs on a throwaway machine, word for word, and its output and code come back', { timeout: 120_000 }, async () => {
  const events = { progress: 0, stdout: '', stderr: '', exitCode: -1 };
  const command = ['sh', '-c', 'echo "out $1 for $TERM"; echo err >&2; exit 7', 'sh', "it's $HOME"];
  for await (const { event } of kitchen.bakery.tryImage(kitchen.caller, request(command), never)) {
    if (event.case === 'progress') events.progress += 1;
    else if (event.case === 'exitCode') events.exitCode = event.value;
    else if (event.case !== undefined) events[event.case] += Buffer.from(event.value).toString();
  }
  expect(events).toEqual({ progress: 2, stdout: "out it's $HOME for linux\n", stderr: 'err\n', exitCode: 7 });
  expect(await kitchen.leftovers()).toEqual([]);
});

test('a caller who leaves in the middle leaves no machine', { timeout: 120_000 }, async () => {
  const leaving = new AbortController();
  const events = kitchen.bakery.tryImage(kitchen.caller, request(['sleep', '300']), leaving.signal);
  const reading = (async () => {
    for await (const { event } of events) if (event.case === 'progress' && event.value.startsWith('Waiting')) leaving.abort();
  })();
  await expect(reading).rejects.toThrow(/abort/i);
  expect(await kitchen.leftovers()).toEqual([]);
  expect(await kitchen.db.database.selectFrom('trials').select('id').execute()).toEqual([]);
});

test('an image that does not exist is not tried', async () => {
  const events = kitchen.bakery.tryImage(kitchen.caller, request(['true'], 'nothing'), never);
  await expect(events[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'NOT_FOUND', message: 'image "nothing" not found' });
});

test('a command that no machine could be given is refused before one is started', async () => {
  const events = kitchen.bakery.tryImage(kitchen.caller, request(['echo', 'a\0b']), never);
  await expect(events[Symbol.asyncIterator]().next()).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: 'command must not contain NUL characters',
  });
});

test('a disk smaller than that of the image is refused before a machine is started', async () => {
  const diskDigest = await buildTinyBase({ dataDir: kitchen.dataDir, runtimeDir: kitchen.dataDir, diskGb: 3 });
  const source = { case: 'qemu', value: { diskDigest } } as const;
  await writePlatformImage(kitchen.db.database, create(ImageSchema, { name: 'murmur-roomy', architecture: Architecture.AMD64, source }));
  const document = { name: 'e2', substrate: 'SUBSTRATE_QEMU', machine_type_ref: 'murmur-qemu-small', disk_size_gb: 2 };
  const context = testContext(kitchen.db.database, kitchen.caller);
  await setResource(context, { kind: 'environment', name: 'e2', document: JSON.stringify(document), fields: [] });
  const events = kitchen.bakery.tryImage(kitchen.caller, { ...request(['true'], 'murmur-roomy'), environment: 'e2' }, never);
  await expect(events[Symbol.asyncIterator]().next()).rejects.toMatchObject({
    code: 'FAILED_PRECONDITION',
    message: 'environment "e2" has disk_size_gb 2 but base image "murmur-roomy" needs 3',
  });
  expect(await kitchen.db.database.selectFrom('trials').select('id').execute()).toEqual([]);
});

test('a machine that cannot be removed is left to the reaper', async () => {
  const broken: Substrate = {
    ...kitchen.substrate,
    launch: () => Promise.reject(new PlatformFault('no room')),
    destroy: () => Promise.reject(new PlatformFault('no answer')),
  };
  const parts = {
    database: kitchen.db.database,
    tenantKeys: createTenantKeys(kitchen.db.database, await openKeyFile(join(kitchen.dataDir, 'master.key'))),
    substrates: new Map<SubstrateName, Substrate>([['QEMU', broken]]),
    installation: kitchen.installation,
    hostId: 'first',
    room: testRoom(),
    log: pino({ level: 'silent' }),
  };
  const admission = createAdmission({ ...parts, begin: () => Promise.resolve() });
  const events = tryImage({ ...parts, admission }, kitchen.caller, request(['true']), never);
  await events.next();
  await expect(events.next()).rejects.toThrow('no answer');
  // Its row, and with it its room, stay until the reaper has seen that the machine is gone.
  expect(await kitchen.db.database.selectFrom('trials').select('executor').execute()).toEqual([{ executor: null }]);
  await createReaper({ ...parts, substrates: new Map([['QEMU', kitchen.substrate]]) }).round();
  expect(await kitchen.db.database.selectFrom('trials').select('id').execute()).toEqual([]);
});

test('an image is exported as one whole disk', { timeout: 120_000 }, async () => {
  const chunks: Uint8Array[] = [];
  let expected = { bytes: 0n, digest: '' };
  for await (const message of kitchen.bakery.exportImage(
    kitchen.caller,
    create(ExportImageRequestSchema, { name: 'murmur-qemu-base' }),
    never,
  )) {
    if (message.totalBytes > 0n) expected = { bytes: message.totalBytes, digest: message.digest };
    chunks.push(message.chunk);
  }
  const whole = Buffer.concat(chunks);
  expect(BigInt(whole.length)).toBe(expected.bytes);
  expect(`sha256:${createHash('sha256').update(whole).digest('hex')}`).toBe(expected.digest);
  const file = join(kitchen.dataDir, 'exported.qcow2');
  await writeFile(file, whole);
  const info = JSON.parse(execFileSync('qemu-img', ['info', '--output=json', file]).toString()) as Record<string, unknown>;
  expect(info['format']).toBe('qcow2');
  expect(info['backing-filename']).toBeUndefined();
  expect(await readdir(join(kitchen.dataDir, 'exports'))).toEqual([]);
});

test('an export that died with its server is gone with the next start', async () => {
  const left = join(kitchen.dataDir, 'exports', 'left.qcow2');
  await writeFile(left, 'half an image');
  await createQemuSubstrate({ ...kitchen, runtimeDir: kitchen.dataDir, log: pino({ level: 'silent' }) });
  await expect(access(left)).rejects.toThrow('ENOENT');
});
