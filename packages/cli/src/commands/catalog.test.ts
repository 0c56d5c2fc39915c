import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { MurmurError, type PatchResourceRequest, type ResourceSchema, type SetResourceRequest, SortOrder } from '@murmur/api';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { runForTest } from '../testing.js';
import { startTestServer, type TestServer } from '../testing-server.js';

const hello: MessageInitShape<typeof ResourceSchema> = {
  kind: 'recipe',
  name: 'hello',
  spec: {
    case: 'recipe',
    value: { name: 'hello', baseImageQemuRef: 'murmur-qemu-base', provisioningScript: '#!/bin/sh\necho hi\n', provisioningTimeout: '10m' },
  },
};
const other: MessageInitShape<typeof ResourceSchema> = {
  ...hello,
  name: 'other',
  spec: { case: 'recipe', value: { name: 'other', description: 'Second' } },
};

const helloYaml =
  'name: hello\nbase_image_qemu_ref: murmur-qemu-base\nprovisioning_script: |\n  #!/bin/sh\n  echo hi\nprovisioning_timeout: 10m\n';

describe('the catalog commands', () => {
  const sets: SetResourceRequest[] = [];
  const patches: PatchResourceRequest[] = [];
  const sorts: SortOrder[] = [];
  let server: TestServer;
  let env: Record<string, string>;
  let folder = '';

  beforeAll(async () => {
    server = await startTestServer({
      getResource(request) {
        if (request.kind !== 'recipe') throw new MurmurError('INVALID_ARGUMENT', `unknown kind "${request.kind}"`).toConnect();
        if (request.name !== 'hello') {
          throw new MurmurError('NOT_FOUND', `recipe "${request.name}" not found`, {
            hint: 'Check the name with: murmur get recipe',
          }).toConnect();
        }
        return { resource: hello };
      },
      listResources(request) {
        sorts.push(request.sort);
        const columns = [{ header: 'NAME' }, { header: 'DESCRIPTION' }];
        if (request.pageToken === '') return { columns, resources: [hello], rows: [{ cells: ['hello', ''] }], nextPageToken: 'two' };
        return { columns, resources: [other], rows: [{ cells: ['other', 'Second'] }] };
      },
      setResource(request) {
        sets.push(request);
        if (request.document !== '') return { resource: hello, changed: true };
        throw MurmurError.ofFaults([
          { code: 'INVALID_ARGUMENT', message: 'name is required', hint: 'Provide a name field.' },
          { code: 'INVALID_ARGUMENT', message: 'provisioning_script is required', hint: 'Provide the script content.' },
          { code: 'INVALID_ARGUMENT', message: 'provisioning_timeout is required' },
        ]).toConnect();
      },
      patchResource(request) {
        patches.push(request);
        return { resource: hello, changed: true };
      },
      removeResource: () => ({}),
      listGenerations: ({ pageSize, pageToken }) =>
        pageToken === ''
          ? {
              generations: [{ generation: 2n, author: 'admin', removed: true, time: { seconds: 1_700_000_060n } }],
              nextPageToken: pageSize === 1 ? '' : 'more',
            }
          : { generations: [{ generation: 1n, author: 'admin', time: { seconds: 1_700_000_000n }, resource: hello }] },
      describeKinds: ({ kind }) => ({
        kinds: [
          {
            kind: kind === '' ? 'recipe' : kind,
            summary: 'How an image is made.',
            fields: [{ path: 'name', type: 'string', required: 'yes', description: 'Unique identifier.' }],
            example: 'name: hello\n',
            errors: [{ code: 'INVALID_ARGUMENT', message: 'name is required', hint: 'Provide a name field.' }],
          },
        ],
      }),
    });
    env = { MURMUR_SERVER: server.url, MURMUR_API_KEY: 'mur_a.b' };
  });
  afterAll(() => server.close());
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'murmur-cli-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('send the key always and the tenant when one is configured', async () => {
    await runForTest(['get', 'recipe'], { env });
    expect(server.seen.at(-1)).toEqual({ authorization: 'Bearer mur_a.b', tenant: undefined });
    await runForTest(['get', 'recipe', '--tenant', 'local/other'], { env });
    expect(server.seen.at(-1)).toEqual({ authorization: 'Bearer mur_a.b', tenant: 'local/other' });
  });

  it('get lists every page as one table', async () => {
    expect(await runForTest(['get', 'recipe'], { env })).toEqual({
      code: 0,
      stdout: 'NAME    DESCRIPTION\nhello\nother   Second\n',
      stderr: '',
    });
  });

  it('get lists documents for programs', async () => {
    const json = await runForTest(['get', '-o', 'json', 'recipe'], { env });
    expect(JSON.parse(json.stdout)).toMatchObject([{ name: 'hello', base_image_qemu_ref: 'murmur-qemu-base' }, { name: 'other' }]);
    const yaml = await runForTest(['get', 'recipe', '--output=yaml'], { env });
    expect(yaml.stdout).toMatch(/^- kind: recipe\n  name: hello\n/);
  });

  it.each([
    ['name', SortOrder.NAME],
    ['created', SortOrder.CREATED],
    ['updated', SortOrder.UPDATED],
  ])('get sorts by %s', async (written, sent) => {
    await runForTest(['get', 'recipe', '--sort', written], { env });
    expect(sorts.at(-1)).toBe(sent);
  });

  it('get prints one resource as the document that set accepts', async () => {
    expect(await runForTest(['get', 'recipe', 'hello'], { env })).toEqual({ code: 0, stdout: helloYaml, stderr: '' });
    expect((await runForTest(['get', 'recipe', 'hello', '-o', 'table'], { env })).stdout).toBe('NAME    DESCRIPTION\nhello\n');
    expect(JSON.parse((await runForTest(['get', 'recipe', 'hello', '-o', 'json'], { env })).stdout)).toMatchObject({ name: 'hello' });
  });

  it('a refused request prints code, message and hint, and exits 1', async () => {
    expect(await runForTest(['get', 'recipe', 'x'], { env })).toEqual({
      code: 1,
      stdout: '',
      stderr: 'murmur: NOT_FOUND: recipe "x" not found\nCheck the name with: murmur get recipe\n',
    });
  });

  it('a misspelt kind is told the likely one', async () => {
    const { code, stderr } = await runForTest(['get', 'recipie', 'x'], { env });
    expect({ code, stderr }).toEqual({ code: 1, stderr: 'murmur: INVALID_ARGUMENT: unknown kind "recipie"\nDid you mean recipe?\n' });
  });

  it('a kind may be written in the plural, or before each name', async () => {
    for (const words of [['recipes', 'hello'], ['recipe/hello'], ['recipes/hello']]) {
      expect(await runForTest(['get', ...words], { env })).toEqual({ code: 0, stdout: helloYaml, stderr: '' });
    }
    const several = await runForTest(['get', 'recipe', 'hello', 'hello'], { env });
    expect(several.stdout).toBe(`kind: recipe\n${helloYaml}---\nkind: recipe\n${helloYaml}`);
  });

  it('a misspelt name is told the likely one, if there is one', async () => {
    const hint = 'Check the name with: murmur get recipe\n';
    const misspelt = await runForTest(['get', 'recipe', 'helo'], { env });
    expect(misspelt.stderr).toBe(`murmur: NOT_FOUND: recipe "helo" not found\n${hint}Did you mean hello?\n`);
    expect((await runForTest(['get', 'recipe', 'x'], { env })).stderr).toBe(`murmur: NOT_FOUND: recipe "x" not found\n${hint}`);
  });

  it('someone who looks for bakes among the kinds is shown the way', async () => {
    const { stderr } = await runForTest(['get', 'bakes', 'x'], { env });
    expect(stderr).toBe('murmur: INVALID_ARGUMENT: unknown kind "bakes"\nBakes are listed with: murmur bakes ls\n');
  });

  it('every fault of a document is printed, then the hints', async () => {
    expect(await runForTest(['set', 'recipe', 'hello'], { env })).toEqual({
      code: 1,
      stdout: '',
      stderr: [
        'murmur: INVALID_ARGUMENT: name is required',
        'murmur: INVALID_ARGUMENT: provisioning_script is required',
        'murmur: INVALID_ARGUMENT: provisioning_timeout is required',
        'Provide a name field.',
        'Provide the script content.',
        '',
      ].join('\n'),
    });
  });

  it('set sends standard input as it is', async () => {
    expect(await runForTest(['set', 'recipe', 'hello'], { env, stdin: helloYaml })).toEqual({
      code: 0,
      stdout: 'Set recipe "hello"\n',
      stderr: '',
    });
    expect(sets.at(-1)).toMatchObject({ kind: 'recipe', name: 'hello', document: helloYaml, fields: [] });
  });

  it('set tells a person at a terminal what it waits for', async () => {
    const { stderr } = await runForTest(['set', 'recipe', 'hello'], { env, stdin: helloYaml, terminal: 'stdin' });
    expect(stderr).toBe('Reading recipe "hello" from the terminal; end with Ctrl-D, or give a file with -f\n');
  });

  it('set reads files, for the document and for fields', async () => {
    await writeFile(join(folder, 'r.yaml'), 'name: hello\n');
    await writeFile(join(folder, 'script'), '#!/bin/sh\n: =x\n');
    const args = ['set', '-f', join(folder, 'r.yaml'), 'recipe', 'hello', '--file-field', `provisioning_script=${join(folder, 'script')}`];
    expect(await runForTest([...args, '-o', 'yaml'], { env })).toEqual({ code: 0, stdout: `kind: recipe\n${helloYaml}`, stderr: '' });
    expect(sets.at(-1)).toMatchObject({
      document: 'name: hello\n',
      fields: [{ path: 'provisioning_script', value: { case: 'text', value: '#!/bin/sh\n: =x\n' } }],
    });
  });

  it('set refuses input that is not text', async () => {
    const { code, stderr } = await runForTest(['set', 'recipe', 'hello'], { env, stdin: Buffer.from([0x66, 0xff]) });
    expect({ code, stderr }).toEqual({ code: 1, stderr: 'murmur: INVALID_ARGUMENT: standard input is not UTF-8 text\n' });
  });

  it('patch sends each field', async () => {
    await writeFile(join(folder, 'script'), 'text');
    const args = ['patch', 'recipe', 'hello', '--set', 'a.b=c=d', '--set', 'e=', '--file-field', `f=${join(folder, 'script')}`];
    expect(await runForTest(args, { env })).toEqual({ code: 0, stdout: 'Patched recipe "hello"\n', stderr: '' });
    expect(patches.at(-1)?.fields).toMatchObject([
      { path: 'a.b', value: { case: 'yaml', value: 'c=d' } },
      { path: 'e', value: { case: 'yaml', value: '' } },
      { path: 'f', value: { case: 'text', value: 'text' } },
    ]);
  });

  it('rm says what it deleted', async () => {
    expect(await runForTest(['rm', 'recipe', 'hello'], { env })).toEqual({ code: 0, stdout: 'Deleted recipe "hello"\n', stderr: '' });
  });

  it('history lists generations, newest first', async () => {
    expect((await runForTest(['history', 'recipe', 'hello'], { env })).stdout).toBe(
      [
        'GENERATION   CHANGE    AUTHOR   TIME',
        '2            deleted   admin    2023-11-14T22:14:20Z',
        '1            set       admin    2023-11-14T22:13:20Z',
        '',
      ].join('\n'),
    );
    expect(JSON.parse((await runForTest(['history', 'recipe', 'hello', '-o', 'json'], { env })).stdout)).toMatchObject([
      { generation: 2, removed: true },
      { generation: 1, author: 'admin', removed: false, spec: { name: 'hello' } },
    ]);
  });

  it('history reads no more than the generations asked for', async () => {
    const { stdout } = await runForTest(['history', 'recipe', 'hello', '--limit', '1'], { env });
    expect(stdout.split('\n').map((line) => line.split(' ')[0])).toEqual(['GENERATION', '2', '']);
    expect((await runForTest(['history', 'recipe', 'hello', '--limit', '0'], { env })).code).toBe(2);
  });

  it('describe explains one kind and lists all', async () => {
    expect((await runForTest(['describe', 'recipe'], { env })).stdout).toMatchSnapshot();
    expect((await runForTest(['describe'], { env })).stdout).toBe(
      'KIND     WRITABLE   SUMMARY\nrecipe   yes        How an image is made.\n',
    );
  });

  it('names and kinds complete', async () => {
    const complete = async (...words: string[]) =>
      (await runForTest(['__complete', '--', ...words], { env })).stdout.split('\n').filter(Boolean);
    expect(await complete('ge')).toEqual(['get']);
    expect(await complete('bakes', '')).toEqual(['ls', 'show', 'logs', 'cancel', 'wait', 'again']);
    expect(await complete('get', 'rec')).toEqual(['recipe']);
    expect(await complete('get', 'recipe', 'h')).toEqual(['hello']);
    expect(await complete('get', '--sort', '')).toEqual(['name', 'created', 'updated']);
    expect(await complete('get', '--so')).toEqual(['--sort']);
    expect(await complete('get', '-o', 'json', 'recipe', 'hel')).toEqual(['hello']);
    expect(await complete('completion', 'z')).toEqual(['zsh']);
    expect(await complete('nonsense', 'x')).toEqual([]);
  });
});

it('a server that is not there is said to be so', async () => {
  const server = await startTestServer({});
  await server.close();
  expect(await runForTest(['get', 'recipe'], { env: { MURMUR_SERVER: server.url } })).toEqual({
    code: 1,
    stdout: '',
    stderr: `murmur: UNAVAILABLE: cannot reach the server at ${server.url}\nStart one with: murmur server\n`,
  });
});
