import { ApplyResult_Outcome as Outcome, MurmurError } from '@murmur/api';
import { describe, expect, test } from 'vitest';

import type { CatalogContext, Permits } from '../context.js';
import { type TestCatalog, refusal, refused, withNewTenants } from '../testing.js';
import { applyResources } from './index.js';

let catalog: TestCatalog;
withNewTenants((own) => (catalog = own));

const image = (name: string, description = '') =>
  `kind: image\nname: ${name}\ndescription: "${description}"\narchitecture: AMD64\ngce: {self_link: projects/acme/global/images/debian}\n`;
const recipe = (name: string, base: string, rest = '') =>
  `kind: recipe\nname: ${name}\nbase_image_gce_ref: ${base}\nprovisioning_script: a\nprovisioning_timeout: 1m\n${rest}`;
const workspace = (name: string, imageName: string) =>
  `kind: workspace\nname: ${name}\nimage_ref: ${imageName}\nenvironment_ref: murmur-qemu-small\nplacement: murmur-qemu-local\nrepos: [{clone_url: "https://example.com/a"}]\n`;

async function apply(texts: readonly string[], options: { dryRun?: boolean; context?: CatalogContext } = {}) {
  const documents = texts.map((text, index) => ({ text, origin: `f.yaml:${index + 1}`, line: 1 }));
  const { results } = await applyResources(options.context ?? catalog.context, { documents, dryRun: options.dryRun ?? false });
  return results.map(({ kind, name, outcome, generation }) => `${kind}/${name} ${Outcome[outcome].toLowerCase()} ${generation}`);
}

async function faultsOf(work: Promise<unknown>): Promise<string[]> {
  return (await refusal(work)).faults.map(({ code, message }) => `${code}: ${message}`);
}

async function everything(): Promise<string[]> {
  return [...(await catalog.names('image')), ...(await catalog.names('recipe')), ...(await catalog.names('workspace'))];
}

describe('apply', () => {
  test('writes what others refer to first, in whatever order it is written down', async () => {
    expect(await apply([workspace('w', 'base'), recipe('r', 'base'), image('base'), image('other')])).toEqual([
      'image/base created 1',
      'image/other created 1',
      'workspace/w created 1',
      'recipe/r created 1',
    ]);
  });

  test('says of each document whether it created, changed or left what there was', async () => {
    await apply([image('a'), image('b', 'first')]);
    expect(await apply([image('a'), image('b', 'second'), image('c')])).toEqual([
      'image/a unchanged 1',
      'image/b changed 2',
      'image/c created 1',
    ]);
  });

  test('takes JSON, camelCase and both ways to write an enum', async () => {
    expect(
      await apply([
        '{"kind": "image", "name": "a", "architecture": "ARCHITECTURE_AMD64", "gce": {"selfLink": "projects/p/global/images/i"}}',
      ]),
    ).toEqual(['image/a created 1']);
  });

  test('tells nobody in a dry run whether a value is the one that a secret has', async () => {
    const secret = (value: string) => `kind: secret\nname: TOKEN\nplaintext_value: ${value}\n`;
    await apply([secret('right')]);
    expect(await apply([secret('wrong')], { dryRun: true })).toEqual(['secret/TOKEN changed 2']);
    expect(await apply([secret('right')], { dryRun: true })).toEqual(['secret/TOKEN changed 2']);
    expect(await apply(['kind: secret\nname: TOKEN\n'], { dryRun: true })).toEqual(['secret/TOKEN unchanged 1']);
    expect(await apply([secret('right')])).toEqual(['secret/TOKEN unchanged 1']);
  });

  test('writes nothing in a dry run, and answers as if it had', async () => {
    await apply([image('a')]);
    expect(await apply([image('a', 'new'), image('b'), recipe('r', 'b')], { dryRun: true })).toEqual([
      'image/a changed 2',
      'image/b created 1',
      'recipe/r created 1',
    ]);
    expect(await everything()).toEqual(['a']);
    expect((await catalog.history('image', 'a')).generations).toHaveLength(1);
    expect(await apply([image('b')])).toEqual(['image/b created 1']);
  });

  test('writes nothing when one document is refused, and reports every fault of every document with its origin', async () => {
    expect(
      await faultsOf(
        apply([
          image('good'),
          recipe('r', 'good', 'colour: red\ndescription: 5\n'),
          'name: a\n',
          'kind: volcano\nname: a\n',
          'kind: [a]\n',
          'kind: image\n',
          'a: b: c\n',
          '',
          image('murmur-mine'),
          recipe('x', 'nothing').replace('timeout: 1m', 'timeout: 2h'),
        ]),
      ),
    ).toEqual([
      'INVALID_ARGUMENT: f.yaml:2: unknown field "colour"',
      'INVALID_ARGUMENT: f.yaml:2: description: expected string',
      'INVALID_ARGUMENT: f.yaml:3: kind is required',
      'INVALID_ARGUMENT: f.yaml:4: unknown kind "volcano"',
      'INVALID_ARGUMENT: f.yaml:5: kind: expected string',
      'INVALID_ARGUMENT: f.yaml:6: name is required',
      'INVALID_ARGUMENT: f.yaml:6: architecture is required',
      'INVALID_ARGUMENT: f.yaml:6: source is required (aws, gce, or docker)',
      'INVALID_ARGUMENT: f.yaml:7: line 1, column 4: nested mappings are not allowed in compact mappings',
      'INVALID_ARGUMENT: f.yaml:8: the document is empty',
      'PERMISSION_DENIED: f.yaml:9: "murmur-mine" is a platform builtin and cannot be modified',
      'INVALID_ARGUMENT: f.yaml:10: provisioning_timeout exceeds 1h maximum',
    ]);
    expect(await everything()).toEqual([]);
  });

  test('reports a reference to nothing', async () => {
    expect(await faultsOf(apply([recipe('r', 'nothing'), workspace('w', 'nowhere')]))).toEqual([
      'INVALID_ARGUMENT: f.yaml:1: base_image_gce_ref "nothing" does not exist',
      'FAILED_PRECONDITION: f.yaml:2: image_ref "nowhere" does not exist',
    ]);
  });

  test('does not blame a document for a reference whose own document is refused', async () => {
    const faults = await faultsOf(
      apply([
        recipe('r', 'base', 'description: 5\n'),
        workspace('w', 'base'),
        image('base').replace('AMD64', 'VAX'),
        workspace('v', 'none'),
      ]),
    );
    expect(faults).toEqual([
      'INVALID_ARGUMENT: f.yaml:1: description: expected string',
      'INVALID_ARGUMENT: f.yaml:3: unknown architecture value',
      'FAILED_PRECONDITION: f.yaml:4: image_ref "none" does not exist',
    ]);
    // Nor for one that may well be in a document nobody can read.
    expect(await faultsOf(apply([recipe('r', 'base'), 'kind: image\nname: base\nname: base\n']))).toEqual([
      'INVALID_ARGUMENT: f.yaml:2: line 3, column 1: duplicate key "name"',
    ]);
    await apply([image('base')]);
    const notGce = 'kind: image\nname: base\narchitecture: VAX\ndocker: {image_ref: debian}\n';
    expect(await faultsOf(apply([notGce, recipe('r', 'base')]))).toHaveLength(1);
  });

  test('refuses the same resource twice, and an empty batch', async () => {
    expect(await faultsOf(apply([image('a'), image('b'), image('a', 'x')]))).toEqual([
      'INVALID_ARGUMENT: f.yaml:3: image "a" is also in f.yaml:1',
    ]);
    expect(await refused(apply([]))).toBe('INVALID_ARGUMENT: there is nothing to apply');
  });

  test('refuses more documents and more bytes than it takes', async () => {
    expect(await refused(apply(Array.from({ length: 10_001 }, () => '')))).toBe(
      'INVALID_ARGUMENT: 10001 documents exceed the limit of 10000',
    );
    const large = `# ${'x'.repeat(1024 * 1024)}\n`;
    expect(await refused(apply(Array.from({ length: 13 }, () => large)))).toBe(
      'INVALID_ARGUMENT: the documents exceed the limit of 12 MiB in all',
    );
  });

  test('counts lines from where a document starts in its file', async () => {
    const documents = [{ text: 'kind: image\nkind: image\n', origin: 'f.yaml:40', line: 40 }];
    expect(await refused(applyResources(catalog.context, { documents, dryRun: false }))).toBe(
      'INVALID_ARGUMENT: f.yaml:40: line 41, column 1: duplicate key "kind"',
    );
  });

  test('keeps answers small when everything is wrong', async () => {
    const faults = await faultsOf(apply(Array.from({ length: 300 }, () => 'kind: image\n')));
    expect(faults).toHaveLength(201);
    expect(faults.at(-1)).toBe('INVALID_ARGUMENT: and 700 more faults');
  });

  test('writes hundreds at once, beside other writers', async () => {
    const names = Array.from({ length: 300 }, (_, index) => `i-${index}`);
    const batch = apply([...names.map((name) => recipe(`r${name}`, name)), ...names.map((name) => image(name))]);
    const single = catalog.set('image', 'single', image('single').replace('kind: image\n', ''));
    expect(await batch).toHaveLength(600);
    await single;
    expect((await apply(names.map((name) => image(name)))).every((result) => result.endsWith('unchanged 1'))).toBe(true);
  });
});

describe('apply, for a caller who may not do everything', () => {
  const permits = (may: (permission: string, name: string) => boolean): Permits => ({
    holds: may,
    usesHost: true,
    namesFor: () => ['*'],
    require(permission, name) {
      if (!may(permission, name)) throw new MurmurError('PERMISSION_DENIED', `missing permission ${permission}`);
    },
  });

  test('reports each permission that is missing, and nothing else of those documents', async () => {
    await apply([image('there')]);
    const context = { ...catalog.context, permits: permits((permission, name) => permission === 'image.create' || name === 'free') };
    expect(
      await faultsOf(
        apply([image('there', 'new'), recipe('r', 'there', 'description: 5\n'), image('b'), recipe('free', 'b')], { context }),
      ),
    ).toEqual([
      'PERMISSION_DENIED: f.yaml:1: missing permission image.edit',
      'PERMISSION_DENIED: f.yaml:2: missing permission recipe.edit',
      'INVALID_ARGUMENT: f.yaml:4: base_image_gce_ref "b" does not exist',
    ]);
  });
});
