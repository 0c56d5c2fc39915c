import { timestampDate } from '@bufbuild/protobuf/wkt';
import { SortOrder } from '@murmur/api';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { type TestCatalog, refusal, refused, testCatalog } from '../testing.js';
import { describeKinds, getResource, listGenerations, listResources, setResource } from './index.js';

let catalog: TestCatalog;
beforeEach(async () => {
  catalog = await testCatalog();
});
afterEach(async () => catalog.close());

function image(name: string, description = ''): string {
  return `name: ${name}\ndescription: "${description}"\narchitecture: AMD64\ngce: {self_link: projects/acme/global/images/debian}\n`;
}

describe('set', () => {
  test('creates generation 1 and then one more for every change, with author and times', async () => {
    const times = [new Date('2026-01-01T00:00:00Z'), new Date('2026-01-02T00:00:00Z')];
    for (const [index, time] of times.entries()) {
      const context = { ...catalog.context, identity: { tenant: 'local/default', subject: `author-${index}` }, now: () => time };
      const { resource, changed } = await setResource(context, { kind: 'image', name: 'a', document: image('a', `${index}`), fields: [] });
      expect(changed).toBe(true);
      expect(resource).toMatchObject({
        kind: 'image',
        name: 'a',
        generation: BigInt(index + 1),
        author: `author-${index}`,
        builtin: false,
      });
    }
    const stored = await catalog.get('image', 'a');
    expect(stored.createTime && timestampDate(stored.createTime)).toEqual(times[0]);
    expect(stored.updateTime && timestampDate(stored.updateTime)).toEqual(times[1]);
  });

  test('replaces the whole document', async () => {
    await catalog.set('image', 'a', image('a', 'first'));
    await catalog.set('image', 'a', 'name: a\narchitecture: ARM64\ndocker: {image_ref: debian}\n');
    expect(await catalog.print('image', 'a')).toBe('name: a\narchitecture: ARCHITECTURE_ARM64\ndocker:\n  image_ref: debian\n');
  });

  test('changes nothing when the document says what is there, however it is written', async () => {
    await catalog.set('image', 'a', image('a'));
    const json = '{"gce": {"selfLink": "projects/acme/global/images/debian"}, "architecture": "ARCHITECTURE_AMD64", "name": "a"}';
    const { resource, changed } = await catalog.set('image', 'a', json);
    expect([changed, resource.generation]).toEqual([false, 1n]);
  });

  test('puts field values into the document before it is read', async () => {
    const document = 'name: r\nbase_image_gce_ref: murmur-gce-base\nprovisioningScript: none\nprovisioning_timeout: 1m\n';
    const script = '#!/bin/bash\r\n\techo "héllo"  \n\n';
    const fields = [{ path: 'provisioning_script', value: { case: 'text' as const, value: script } }];
    await setResource(catalog.context, { kind: 'recipe', name: 'r', document, fields });
    const { resource } = await getResource(catalog.context, { kind: 'recipe', name: 'r', generation: 0n });
    expect(resource.spec.case === 'recipe' && resource.spec.value.provisioningScript).toBe(script);
    const unknown = [{ path: 'script', value: { case: 'text' as const, value: script } }];
    expect(await refused(setResource(catalog.context, { kind: 'recipe', name: 'r', document, fields: unknown }))).toBe(
      'INVALID_ARGUMENT: unknown field "script"',
    );
  });

  test('reports every fault: first what cannot be read, then in the order of the table', async () => {
    const error = await refusal(
      catalog.set(
        'recipe',
        'r',
        'description: 5\nprovisioning_timeout: 2h\nbase_image_gce_ref: nothing\nsecret_allowlist: [a, MURMUR_B]\n',
      ),
    );
    expect(error.faults.map((found) => found.message)).toEqual([
      'description: expected string',
      'name is required',
      'provisioning_script is required',
      'provisioning_timeout exceeds 1h maximum',
      'secret_allowlist[0]: secret name must match [A-Z][A-Z0-9_]*',
      'secret_allowlist[1]: secret name is reserved (MURMUR_*)',
      'base_image_gce_ref "nothing" does not exist',
    ]);
    expect(error.message).toBe('description: expected string');
    expect(error.faults.map((found) => found.path)).toContain('secret_allowlist[1]');
  });

  test('does not also report as missing what could not be read', async () => {
    const error = await refusal(
      catalog.set('recipe', 'r', 'name: 5\nbase_image_gce_ref: murmur-gce-base\nprovisioning_script: a\nprovisioning_timeout: 15\n'),
    );
    expect(error.faults.map((found) => found.message)).toEqual(['name: expected string', 'provisioning_timeout: invalid duration']);
  });

  test('refuses documents that are not one YAML mapping', async () => {
    expect(await refused(catalog.set('image', 'a', `${image('a')}---\n${image('a')}`))).toBe(
      'INVALID_ARGUMENT: line 5, column 1: a second document starts here',
    );
    expect(await refused(catalog.set('image', 'a', `${image('a')}name: a\n`))).toBe(
      'INVALID_ARGUMENT: line 5, column 1: duplicate key "name"',
    );
  });
});

describe('builtins', () => {
  test.each([
    ['image', 'murmur-gce-base'],
    ['image', 'murmur-mine'],
    ['machine-type', 'murmur-n2-standard-8'],
    ['machine-type', 'n2-standard-8'],
    ['disk-type', 'own'],
  ])('no tenant writes %s %s', async (kind, name) => {
    const expected = `PERMISSION_DENIED: "${name}" is a platform builtin and cannot be modified`;
    expect(await refused(catalog.set(kind, name, image(name)))).toBe(expected);
    expect(await refused(catalog.patch(kind, name, { description: 'x' }))).toBe(expected);
    expect(await refused(catalog.remove(kind, name))).toBe(expected);
  });

  test('every tenant reads them, machine types also without their prefix', async () => {
    const resource = await catalog.as('github_app/acme').get('machine-type', 'n2-standard-8');
    expect(resource).toMatchObject({ name: 'murmur-n2-standard-8', builtin: true, generation: 1n });
  });
});

describe('get', () => {
  test('says what is not there', async () => {
    expect(await refused(catalog.get('recipe', 'x'))).toBe('NOT_FOUND: recipe "x" not found');
    expect(await refused(catalog.get('machine-type', 'x'))).toBe('NOT_FOUND: machine-type "x" not found');
    expect(await refused(catalog.get('volcano', 'x'))).toBe('INVALID_ARGUMENT: unknown kind "volcano"');
  });

  test('reads every earlier generation', async () => {
    await catalog.set('image', 'a', image('a', 'first'));
    await catalog.set('image', 'a', image('a', 'second'));
    const first = await catalog.get('image', 'a', 1n);
    expect(first.generation).toBe(1n);
    expect(first.spec.value?.description).toBe('first');
    expect(await refused(catalog.get('image', 'a', 3n))).toBe('NOT_FOUND: image "a" has no generation 3');
    expect(await refused(catalog.get('image', 'b', 1n))).toBe('NOT_FOUND: image "b" not found');
    expect(await refused(catalog.get('image', 'a', -1n))).toBe('INVALID_ARGUMENT: generation must be non-negative');
  });
});

describe('removal', () => {
  test('leaves the generations readable and the numbering going on', async () => {
    await catalog.set('image', 'a', image('a', 'first'));
    await catalog.remove('image', 'a');
    expect(await refused(catalog.get('image', 'a'))).toBe('NOT_FOUND: image "a" not found');
    expect(await refused(catalog.remove('image', 'a'))).toBe('NOT_FOUND: image "a" not found');
    expect((await catalog.get('image', 'a', 1n)).spec.value?.description).toBe('first');
    expect(await refused(catalog.get('image', 'a', 2n))).toBe('NOT_FOUND: generation 2 of image "a" is its removal');
    expect((await catalog.set('image', 'a', image('a', 'again'))).resource.generation).toBe(3n);
    const { generations } = await listGenerations(catalog.context, { kind: 'image', name: 'a' });
    expect(generations.map(({ generation, removed, resource }) => [generation, removed, resource?.spec.value?.description])).toEqual([
      [3n, false, 'again'],
      [2n, true, undefined],
      [1n, false, 'first'],
    ]);
    expect(generations[0]?.resource?.createTime).toEqual(generations[0]?.time);
    expect(await refused(listGenerations(catalog.context, { kind: 'image', name: 'b' }))).toBe('NOT_FOUND: image "b" not found');
  });

  test('names every resource that refers to it, by kind and name', async () => {
    await catalog.set('image', 'base', image('base'));
    const recipe = (name: string) => `name: ${name}\nbase_image_gce_ref: base\nprovisioning_script: a\nprovisioning_timeout: 1m\n`;
    for (const name of ['r2', 'r1']) await catalog.set('recipe', name, recipe(name));
    await catalog.set(
      'workspace',
      'w',
      'name: w\nimage_ref: base\nenvironment_ref: murmur-qemu-small\nplacement: murmur-qemu-local\nrepos: [{clone_url: "https://example.com/a"}]\n',
    );
    expect(await refused(catalog.remove('image', 'base'))).toBe(
      'FAILED_PRECONDITION: cannot delete image "base": referenced by recipe: r1, r2; workspace: w',
    );
    await catalog.patch('workspace', 'w', { image_ref: 'murmur-gce-base' });
    await catalog.remove('recipe', 'r1');
    expect(await refused(catalog.remove('image', 'base'))).toBe(
      'FAILED_PRECONDITION: cannot delete image "base": referenced by recipe: r2',
    );
    await catalog.remove('recipe', 'r2');
    await catalog.remove('image', 'base');
  });
});

describe('patch', () => {
  beforeEach(async () => {
    await catalog.set('image', 'a', 'name: a\ndescription: old\narchitecture: AMD64\naws: {ami_ids: {us-east-1: ami-01234567}}\n');
  });

  test('changes only the named fields', async () => {
    const { resource, changed } = await catalog.patch('image', 'a', { description: 'new', 'aws.ami_ids.us-west-2': 'ami-76543210' });
    expect([changed, resource.generation]).toEqual([true, 2n]);
    expect(await catalog.print('image', 'a')).toBe(
      'name: a\ndescription: new\narchitecture: ARCHITECTURE_AMD64\naws:\n  ami_ids:\n    us-east-1: ami-01234567\n    us-west-2: ami-76543210\n',
    );
    expect((await catalog.patch('image', 'a', { description: 'new' })).changed).toBe(false);
  });

  test('refuses paths that name no field, all of them', async () => {
    const error = await refusal(catalog.patch('image', 'a', { colour: 'red', 'aws.ami': 'x', description: 'y' }));
    expect(error.code).toBe('INVALID_ARGUMENT');
    expect(error.faults.map((found) => found.message)).toEqual([
      'unknown field path "colour" in update mask',
      'unknown field path "aws.ami" in update mask',
    ]);
    expect(await refused(catalog.patch('image', 'a', { aws: '{ami: x}' }))).toBe(
      'INVALID_ARGUMENT: unknown field path "aws.ami" in update mask',
    );
  });

  test('checks the result as a whole', async () => {
    expect(await refused(catalog.patch('image', 'a', { description: '5' }))).toBe('INVALID_ARGUMENT: description: expected string');
    expect(await refused(catalog.patch('image', 'a', { 'aws.ami_ids.us-east-1': '~' }))).toBe(
      'INVALID_ARGUMENT: aws.ami_ids must be non-empty',
    );
    expect(await refused(catalog.patch('image', 'a', { name: 'b' }))).toBe('INVALID_ARGUMENT: name "b" does not match "a"');
    expect(await refused(catalog.patch('image', 'a', { 'docker.image_ref': 'debian' }))).toBe(
      'INVALID_ARGUMENT: source is required (aws, gce, or docker)',
    );
    expect(await refused(catalog.patch('image', 'b', { description: 'x' }))).toBe('NOT_FOUND: image "b" not found');
    expect(await refused(catalog.patch('image', 'a', {}))).toBe('INVALID_ARGUMENT: a patch needs at least one field');
    expect((await catalog.get('image', 'a')).generation).toBe(1n);
  });

  test('moves an image to another source in one patch', async () => {
    await catalog.patch('image', 'a', { aws: '~', 'docker.image_ref': 'debian' });
    expect((await catalog.get('image', 'a')).spec.value).toMatchObject({ source: { case: 'docker' } });
  });
});

describe('list', () => {
  const page = { kind: 'recipe', sort: SortOrder.UNSPECIFIED, pageSize: 0, pageToken: '' };

  async function recipes(...names: string[]): Promise<void> {
    for (const name of names) {
      await catalog.set(
        'recipe',
        name,
        `name: ${name}\nbase_image_gce_ref: murmur-gce-base\nprovisioning_script: a\nprovisioning_timeout: 1m\ndescription: about ${name}\n`,
      );
    }
  }

  test('shows the columns of the kind, oldest resource first', async () => {
    await recipes('zeta', 'alpha', 'mid');
    const { columns, rows, nextPageToken } = await listResources(catalog.context, page);
    expect(columns.map((column) => column.header)).toEqual(['NAME', 'DESCRIPTION']);
    expect(rows.map((row) => row.cells)).toEqual([
      ['zeta', 'about zeta'],
      ['alpha', 'about alpha'],
      ['mid', 'about mid'],
    ]);
    expect(nextPageToken).toBe('');
  });

  test.each([
    [SortOrder.CREATED, ['zeta', 'alpha', 'mid', 'b-c', 'b']],
    [SortOrder.NAME, ['alpha', 'b', 'b-c', 'mid', 'zeta']],
    [SortOrder.UPDATED, ['alpha', 'mid', 'b-c', 'b', 'zeta']],
  ])('goes through all pages in order %s', async (sort, expected) => {
    await recipes('zeta', 'alpha', 'mid', 'b-c', 'b');
    await catalog.patch('recipe', 'zeta', { description: 'changed' });
    for (const pageSize of [1, 2, 5, 6]) {
      const names: string[] = [];
      let pageToken = '';
      do {
        const result = await listResources(catalog.context, { ...page, sort, pageSize, pageToken });
        expect(result.resources.length).toBeLessThanOrEqual(pageSize);
        names.push(...result.resources.map((resource) => resource.name));
        pageToken = result.nextPageToken;
      } while (pageToken !== '');
      expect(names).toEqual(expected);
    }
  });

  test('refuses page tokens it did not make for this list', async () => {
    await recipes('a', 'b');
    const { nextPageToken } = await listResources(catalog.context, { ...page, pageSize: 1 });
    expect(nextPageToken).not.toBe('');
    const forged = Buffer.from(JSON.stringify(['recipe', 'updated', "x'; drop table resources", 1])).toString('base64url');
    const attempts = [
      { ...page, pageToken: 'nonsense' },
      { ...page, pageToken: '!!' },
      { ...page, kind: 'image', pageToken: nextPageToken },
      { ...page, sort: SortOrder.NAME, pageToken: nextPageToken },
      { ...page, sort: SortOrder.UPDATED, pageToken: forged },
      { ...page, pageToken: Buffer.from('null').toString('base64url') },
    ];
    for (const attempt of attempts)
      expect(await refused(listResources(catalog.context, attempt))).toBe('INVALID_ARGUMENT: invalid page_token');
  });

  test('refuses page sizes out of range', async () => {
    for (const pageSize of [-1, 1001]) {
      expect(await refused(listResources(catalog.context, { ...page, pageSize }))).toBe(
        'INVALID_ARGUMENT: page_size must be between 1 and 1000',
      );
    }
  });

  test("includes the builtins a tenant can see and nobody else's resources", async () => {
    await catalog.set('image', 'mine', image('mine'));
    await catalog.as('local/other').set('image', 'theirs', image('theirs'));
    const names = async (tenant: string, kind: string) =>
      (await listResources(catalog.as(tenant).context, { ...page, kind })).resources.map((resource) => resource.name);
    expect(await names('local/default', 'image')).toEqual(['murmur-gce-base', 'murmur-aws-base', 'mine']);
    expect(await names('local/other', 'placement')).toEqual(['murmur-qemu-local', 'murmur-docker-local']);
    expect(await names('github_app/acme', 'placement')).toEqual([]);
  });
});

describe('tenants', () => {
  test("never see, change, refer to or learn of each other's resources", async () => {
    const other = catalog.as('local/other');
    await catalog.set('image', 'secret-name', image('secret-name'));
    expect(await refused(other.get('image', 'secret-name'))).toBe('NOT_FOUND: image "secret-name" not found');
    expect(await refused(other.get('image', 'secret-name', 1n))).toBe('NOT_FOUND: image "secret-name" not found');
    expect(await refused(other.patch('image', 'secret-name', { description: 'x' }))).toBe('NOT_FOUND: image "secret-name" not found');
    expect(await refused(other.remove('image', 'secret-name'))).toBe('NOT_FOUND: image "secret-name" not found');
    expect(await refused(listGenerations(other.context, { kind: 'image', name: 'secret-name' }))).toBe(
      'NOT_FOUND: image "secret-name" not found',
    );
    expect(
      await refused(
        other.set('recipe', 'r', 'name: r\nbase_image_gce_ref: secret-name\nprovisioning_script: a\nprovisioning_timeout: 1m\n'),
      ),
    ).toBe('INVALID_ARGUMENT: base_image_gce_ref "secret-name" does not exist');
    expect((await other.set('image', 'secret-name', image('secret-name', 'theirs'))).resource.generation).toBe(1n);
    expect((await catalog.get('image', 'secret-name')).spec.value?.description).toBe('');
  });
});

describe('describe', () => {
  test('tells fields, example and errors of one kind or of all', () => {
    const { kinds } = describeKinds(catalog.context, { kind: '' });
    expect(kinds.map((kind) => kind.kind)).toEqual([
      'recipe',
      'image',
      'environment',
      'placement',
      'machine-type',
      'disk-type',
      'workspace',
    ]);
    const [recipe] = describeKinds(catalog.context, { kind: 'recipe' }).kinds;
    expect(recipe?.errors).toContainEqual(
      expect.objectContaining({
        code: 'FAILED_PRECONDITION',
        message: 'cannot delete recipe "X": referenced by image: Y',
        hint: 'Baked images reference this recipe. Delete the referencing images first.',
      }),
    );
    expect(recipe?.fields[0]).toMatchObject({ path: 'name', type: 'string', required: 'yes' });
    expect(kinds.filter((kind) => kind.readOnly).map((kind) => kind.kind)).toEqual(['machine-type', 'disk-type']);
  });
});
