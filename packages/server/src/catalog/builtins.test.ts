import { create } from '@bufbuild/protobuf';
import { Architecture, ImageSchema, SortOrder, kindNames } from '@murmur/api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { testDatabase, type TestDatabase } from '../database/testing.js';
import { type BuiltinConfig, writeBuiltins, writePlatformImage } from './builtins.js';
import { type Reader, everything } from './context.js';
import { isPermissionPattern } from './permissions/permission-names.js';
import { holdResources, readSpec } from './read.js';
import { listResources } from './verbs/index.js';
import { testContext } from './testing.js';

const reader: Reader = { tenant: 'local/default', permits: everything };
const elsewhere: Reader = { tenant: 'github_app/acme', permits: everything };
const config: BuiltinConfig = { localSubstrates: ['QEMU'], localArchitecture: 'ARM64' };

let connection: TestDatabase;
beforeAll(async () => {
  connection = await testDatabase();
  await writeBuiltins(connection.database, config);
});
afterAll(async () => connection.close());

async function names(kind: string): Promise<string[]> {
  const context = testContext(connection.database, { tenant: 'local/default', subject: 'me' });
  const { resources } = await listResources(context, { kind, sort: SortOrder.CREATED, pageSize: 0, pageToken: '' });
  return resources.map((resource) => resource.name);
}

async function generations(): Promise<unknown> {
  return connection.database.selectFrom('resource_generations').selectAll().orderBy('kind').orderBy('name').orderBy('generation').execute();
}

describe('the builtins', () => {
  test('are those the platform promises', async () => {
    expect(await names('machine-type')).toEqual([
      'murmur-qemu-small',
      'murmur-qemu-medium',
      'murmur-docker-small',
      'murmur-n2-standard-2',
      'murmur-n2-standard-4',
      'murmur-n2-standard-8',
      'murmur-e2-medium',
      'murmur-m7i-large',
      'murmur-m7i-xlarge',
      'murmur-t3-medium',
      'murmur-m7g-large',
    ]);
    expect(await names('disk-type')).toEqual(['murmur-pd-balanced', 'murmur-pd-ssd', 'murmur-gp3']);
    expect(await names('environment')).toEqual(['murmur-qemu-small', 'murmur-qemu-medium', 'murmur-docker-small']);
    expect(await names('placement')).toEqual(['murmur-qemu-local']);
    expect(await names('image')).toEqual(['murmur-gce-base']);
    expect(await names('role')).toEqual(['murmur-admin', 'murmur-member', 'murmur-viewer']);
  });

  test('have the shapes the platform promises', async () => {
    const read = async (name: string) => readSpec(connection.database, reader, 'machine-type', name);
    expect(await read('murmur-qemu-small')).toMatchObject({ vcpus: 1, memoryGb: 1, architecture: Architecture.ARM64 });
    expect(await read('murmur-qemu-medium')).toMatchObject({ vcpus: 2, memoryGb: 4 });
    expect(await read('m7g-large')).toMatchObject({ architecture: Architecture.ARM64, typeName: 'm7g.large' });
    expect(await read('n2-standard-8')).toMatchObject({ vcpus: 8, memoryGb: 32, architecture: Architecture.AMD64 });
    const image = await readSpec(connection.database, reader, 'image', 'murmur-gce-base');
    expect(image.source).toMatchObject({ case: 'gce', value: { selfLink: 'projects/debian-cloud/global/images/family/debian-12' } });
  });

  test('are left alone at the next start, also when several servers start at once', async () => {
    const before = await generations();
    await Promise.all([1, 2, 3].map(async () => writeBuiltins(connection.database, config)));
    expect(await generations()).toEqual(before);
  });

  test('follow the configuration with a new generation', async () => {
    const other = await testDatabase();
    await writeBuiltins(other.database, config);
    await writeBuiltins(other.database, {
      localSubstrates: ['QEMU', 'DOCKER'],
      localArchitecture: 'AMD64',
      awsBaseAmis: { 'us-east-1': 'ami-01234567' },
      gceBaseSelfLink: 'projects/acme/global/images/ours',
    });
    const image = await readSpec(other.database, reader, 'image', 'murmur-gce-base');
    expect(image.source).toMatchObject({ value: { selfLink: 'projects/acme/global/images/ours' } });
    const stored = await other.database
      .selectFrom('resources')
      .select(['name', 'generation'])
      .where('kind', '=', 'image')
      .orderBy('name')
      .execute();
    expect(stored).toEqual([
      { name: 'murmur-aws-base', generation: 1 },
      { name: 'murmur-gce-base', generation: 2 },
    ]);
    await other.close();
  });
});

test('the builtin roles hold what their names say, and only admins what is not the catalog', async () => {
  const permissions = async (name: string) => (await readSpec(connection.database, reader, 'role', name)).permissions;
  const [admin, member, viewer] = [
    await permissions('murmur-admin'),
    await permissions('murmur-member'),
    await permissions('murmur-viewer'),
  ];
  expect(admin).toEqual(['*']);
  expect(viewer.toSorted()).toEqual(kindNames.flatMap((kind) => [`${kind}.list`, `${kind}.read`]).toSorted());
  const writable = ['recipe', 'image', 'environment', 'placement', 'workspace', 'secret'];
  const writes = writable.flatMap((kind) => ['create', 'edit', 'delete'].map((verb) => `${kind}.${verb}`));
  expect(member.toSorted()).toEqual([...viewer, ...writes, 'secret.assume'].toSorted());
  for (const permission of [...admin, ...member, ...viewer]) expect(isPermissionPattern(permission)).toBe(true);
});

test('a new build of a platform image is its next generation', async () => {
  const image = (digit: string) =>
    create(ImageSchema, {
      name: 'murmur-qemu-base',
      architecture: Architecture.AMD64,
      source: { case: 'qemu', value: { diskDigest: `sha256:${digit.repeat(64)}` } },
    });
  for (const digit of ['1', '1', '2']) await writePlatformImage(connection.database, image(digit));
  const read = await readSpec(connection.database, elsewhere, 'image', 'murmur-qemu-base');
  expect(read.source).toMatchObject({ case: 'qemu', value: { diskDigest: `sha256:${'2'.repeat(64)}` } });
  const held = connection.database.transaction().execute((trx) => holdResources(trx, elsewhere, [['image', 'murmur-qemu-base']]));
  expect(await held).toEqual([{ tenant: 'murmur/platform', kind: 'image', name: 'murmur-qemu-base' }]);
  const numbers = await connection.database
    .selectFrom('resource_generations')
    .select('generation')
    .where('name', '=', 'murmur-qemu-base')
    .execute();
  expect(numbers).toHaveLength(2);
});
