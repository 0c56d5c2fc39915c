import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ApplyResourcesRequest, ApplyResult_Outcome as Outcome, MurmurError } from '@murmur/api';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { runForTest } from '../testing.js';
import { startTestServer, type TestServer } from '../testing-server.js';

describe('apply', () => {
  const applied: ApplyResourcesRequest[] = [];
  let server: TestServer;
  let folder = '';
  const apply = async (args: string[], stdin: string | Buffer = '') =>
    runForTest(['apply', ...args], { env: { MURMUR_SERVER: server.url, MURMUR_API_KEY: 'mur_a.b' }, stdin });
  const sent = () => applied.at(-1)?.documents.map(({ origin, line, text }) => [origin.replace(folder, ''), line, text]);

  beforeAll(async () => {
    server = await startTestServer({
      applyResources(request) {
        applied.push(request);
        if (request.documents.some(({ text }) => text.includes('bad'))) {
          throw MurmurError.ofFaults([
            { code: 'INVALID_ARGUMENT', message: 'a.yaml:1: kind is required', hint: 'Say what it is.' },
            { code: 'PERMISSION_DENIED', message: 'a.yaml:3: missing permission recipe.edit' },
          ]).toConnect();
        }
        return {
          results: [
            { kind: 'image', name: 'a', outcome: Outcome.CREATED, generation: 1n },
            { kind: 'recipe', name: 'b', outcome: Outcome.CHANGED, generation: 3n },
            { kind: 'recipe', name: 'c', outcome: Outcome.UNCHANGED, generation: 2n },
          ],
        };
      },
    });
  });
  afterAll(() => server.close());
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'murmur-cli-'));
    await mkdir(join(folder, 'deep', 'deeper'), { recursive: true });
    await writeFile(join(folder, 'b.yaml'), 'x: 1\n---\ny: 2\n');
    await writeFile(join(folder, 'a.json'), '{"z": 3}');
    await writeFile(join(folder, 'notes.txt'), 'not a document');
    await writeFile(join(folder, 'deep', 'c.yml'), 'w: 4\n');
    await writeFile(join(folder, 'deep', 'deeper', 'd.yaml'), 'v: 5\n');
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('prints one line for each document', async () => {
    expect(await apply(['-f', '-'], 'x: 1\n')).toEqual({
      code: 0,
      stdout: 'image "a" created\nrecipe "b" changed\nrecipe "c" unchanged\n',
      stderr: '',
    });
    expect(applied.at(-1)?.dryRun).toBe(false);
    expect(sent()).toEqual([['standard input', 1, 'x: 1\n']]);
  });

  it('says that a dry run was one', async () => {
    const { stdout } = await apply(['--dry-run', '-f', '-'], 'x: 1\n');
    expect(stdout).toBe('image "a" created (dry run)\nrecipe "b" changed (dry run)\nrecipe "c" unchanged (dry run)\n');
    expect(applied.at(-1)?.dryRun).toBe(true);
  });

  it('prints results for programs', async () => {
    const { stdout } = await apply(['-f', '-', '-o', 'json'], 'x: 1\n');
    expect(JSON.parse(stdout)).toContainEqual({ kind: 'recipe', name: 'b', outcome: 'changed', generation: 3 });
  });

  it("reads a folder's files by name, and deeper ones when asked to", async () => {
    await apply(['-f', folder]);
    expect(sent()).toEqual([
      ['/a.json', 1, '{"z": 3}'],
      ['/b.yaml:1', 1, 'x: 1'],
      ['/b.yaml:2', 2, '---\ny: 2\n'],
    ]);
    await apply(['-R', '-f', folder]);
    expect(sent()?.map(([origin]) => origin)).toEqual(['/a.json', '/b.yaml:1', '/b.yaml:2', '/deep/c.yml', '/deep/deeper/d.yaml']);
  });

  it('reads several paths in their order', async () => {
    await apply(['-f', join(folder, 'b.yaml'), '-f', '-', '-f', join(folder, 'deep')], 'x: 0\n');
    expect(sent()?.map(([origin]) => origin)).toEqual(['/b.yaml:1', '/b.yaml:2', 'standard input', '/deep/c.yml']);
  });

  it('prints every fault, then the hints', async () => {
    expect(await apply(['-f', '-'], 'bad')).toEqual({
      code: 1,
      stdout: '',
      stderr:
        'murmur: INVALID_ARGUMENT: a.yaml:1: kind is required\nmurmur: PERMISSION_DENIED: a.yaml:3: missing permission recipe.edit\nSay what it is.\n',
    });
  });

  it('warns of the value of a secret in a file', async () => {
    const { stderr } = await apply(['-f', '-'], 'kind: secret\nname: A\nplaintext_value: x\n');
    expect(stderr).toBe('standard input holds the value of a secret in clear; `murmur secret set` keeps it out of files\n');
  });

  it.each([
    [[], 2, '-f is required'],
    [['-f', '-', '-f', '-'], 2, 'standard input can be read only once'],
    [['-f', '-'], 1, 'there is nothing to apply in standard input'],
    [['-f', '/nonexistent/x.yaml'], 1, 'cannot read /nonexistent/x.yaml: no such file'],
  ])('%j is refused', async (args, code, message) => {
    const result = await apply(args, '# nothing\n');
    expect(result.code).toBe(code);
    expect(result.stderr).toContain(message);
  });

  it('refuses a folder without documents, input that is not text, and too much of it', async () => {
    await mkdir(join(folder, 'empty'));
    expect((await apply(['-f', join(folder, 'empty')])).stderr).toContain(`there is nothing to apply in ${join(folder, 'empty')}`);
    expect((await apply(['-f', '-'], Buffer.from([0x66, 0xff]))).stderr).toContain('standard input is not UTF-8 text');
    expect((await apply(['-f', '-'], 'x'.repeat(13 * 1024 * 1024))).stderr).toContain('the documents exceed the limit of 12 MiB in all');
  });
});

describe('export', () => {
  let server: TestServer;
  const run = async (...args: string[]) =>
    runForTest(['export', ...args], { env: { MURMUR_SERVER: server.url, MURMUR_API_KEY: 'mur_a.b' } });
  const gce = { case: 'gce', value: { selfLink: 'projects/p/global/images/i' } } as const;
  const provenance = { recipeRef: 'r', imageHash: '0'.repeat(64) };

  beforeAll(async () => {
    server = await startTestServer({
      describeKinds: () => ({
        kinds: [{ kind: 'recipe' }, { kind: 'image' }, { kind: 'machine-type', readOnly: true }, { kind: 'secret' }, { kind: 'role' }],
      }),
      listResources({ kind, pageToken }) {
        if (kind === 'role') throw new MurmurError('PERMISSION_DENIED', 'missing permission role.list').toConnect();
        if (kind === 'secret')
          return { resources: [{ kind, name: 'TOKEN', spec: { case: 'secret', value: { name: 'TOKEN', description: 'D' } } }] };
        if (kind === 'recipe') {
          const resource = { kind, name: 'r', spec: { case: 'recipe', value: { name: 'r', baseImageGceRef: 'i' } } } as const;
          return { resources: [resource] };
        }
        if (pageToken === '') {
          const builtin = {
            kind,
            name: 'murmur-gce-base',
            builtin: true,
            spec: { case: 'image', value: { name: 'murmur-gce-base', source: gce } },
          } as const;
          return { resources: [builtin], nextPageToken: 'two' };
        }
        return {
          resources: [
            { kind, name: 'i', spec: { case: 'image', value: { name: 'i', source: gce } } },
            {
              kind,
              name: 'baked',
              spec: { case: 'image', value: { name: 'baked', source: { case: 'gce', value: { ...gce.value, provenance } } } },
            },
          ],
        };
      },
    });
  });
  afterAll(() => server.close());

  it('prints every own resource with its kind, and says what it left out and why', async () => {
    expect(await run()).toEqual({
      code: 0,
      stdout: [
        'kind: image\nname: i\ngce:\n  self_link: projects/p/global/images/i\n',
        'kind: recipe\nname: r\nbase_image_gce_ref: i\n',
      ].join('---\n'),
      stderr: [
        '# left out: 1 secret (TOKEN); where they are not yet, `murmur secret set` comes first',
        '# left out: 1 baked image (baked); bake their recipes to make them again',
        '# left out: every role: missing permission role.list',
        '',
      ].join('\n'),
    });
  });

  it('prints the kinds named, and secrets without their values when those are', async () => {
    expect((await run('secret', 'recipe')).stdout).toBe(
      'kind: secret\nname: TOKEN\ndescription: D\n---\nkind: recipe\nname: r\nbase_image_gce_ref: i\n',
    );
    const { code, stderr } = await run('role');
    expect([code, stderr]).toEqual([1, 'murmur: PERMISSION_DENIED: missing permission role.list\n']);
  });

  it('prints a JSON list', async () => {
    expect(JSON.parse((await run('recipe', 'image', '-o', 'json')).stdout)).toMatchObject([
      { kind: 'recipe' },
      { kind: 'image', name: 'i' },
    ]);
    expect((await run('machine-type', '-o', 'json')).stdout).toContain('[');
  });
});

describe('diff', () => {
  let server: TestServer;
  const run = async (...args: string[]) => runForTest(['diff', ...args], { env: { MURMUR_SERVER: server.url, MURMUR_API_KEY: 'mur_a.b' } });
  const script = (last: string) => `#!/bin/sh\none\ntwo\nthree\nfour\n${last}\n`;
  const time = { seconds: 1_700_000_000n };
  const generations = [undefined, script('five'), script('six'), undefined, script('six')];
  const recipe = (generation: number) =>
    ({
      kind: 'recipe',
      name: 'r',
      generation: BigInt(generation),
      author: 'ana',
      updateTime: time,
      spec: { case: 'recipe', value: { name: 'r', provisioningScript: generations[generation] ?? '' } },
    }) as const;

  beforeAll(async () => {
    server = await startTestServer({
      getResource({ name, generation }) {
        const number = generation === 0n ? (name === 'gone' ? 3 : 4) : Number(generation);
        if (generations[number] === undefined) throw new MurmurError('NOT_FOUND', 'no such generation').toConnect();
        return { resource: recipe(number) };
      },
      listGenerations: ({ name, newest, pageSize }) => {
        if (pageSize !== 1) throw new MurmurError('INTERNAL', 'a diff needs no more than one').toConnect();
        if (name === 'never') throw new MurmurError('NOT_FOUND', 'recipe "never" not found').toConnect();
        const removal = { generation: 3n, removed: true, author: 'ben', time };
        return { generations: [name === 'gone' || newest === 3n ? removal : { generation: 4n, removed: false }] };
      },
    });
  });
  afterAll(() => server.close());

  it('shows the lines that differ, with some around them', async () => {
    expect(await run('recipe', 'r', '1', '2')).toEqual({
      code: 0,
      stdout: [
        '--- recipe/r\tgeneration 1, ana, 2023-11-14T22:13:20Z',
        '+++ recipe/r\tgeneration 2, ana, 2023-11-14T22:13:20Z',
        '@@ -5,4 +5,4 @@',
        '   two',
        '   three',
        '   four',
        '-  five',
        '+  six',
        '',
      ].join('\n'),
      stderr: '',
    });
  });

  it('compares the newest with the one before, and a removal with nothing', async () => {
    const { stdout } = await run('recipe', 'r');
    expect(stdout).toContain('--- recipe/r\tgeneration 3, deleted by ben, 2023-11-14T22:13:20Z\n+++ recipe/r\tgeneration 4, ana');
    expect(stdout).toContain('@@ -0,0 +1,8 @@\n+name: r\n');
    expect((await run('recipe', 'gone')).stdout).toContain('+++ recipe/r\tgeneration 3, deleted'.replace('/r', '/gone'));
    expect((await run('recipe', 'r', '0', '1')).stdout).toContain('--- recipe/r\tgeneration 0\n');
  });

  it('compares one generation with the newest, and is silent when they are the same', async () => {
    expect((await run('recipe', 'r', '1')).stdout).toContain('generation 4');
    expect(await run('recipe', 'r', '2', '4', '--exit-code')).toEqual({ code: 0, stdout: '', stderr: '' });
    expect((await run('recipe', 'r', '1', '2', '--exit-code')).code).toBe(1);
  });

  it('fails for what there is not', async () => {
    expect((await run('recipe', 'r', '7', '2')).stderr).toBe('murmur: NOT_FOUND: no such generation\n');
    expect((await run('recipe', 'r', 'one')).code).toBe(2);
    expect((await run('recipe', 'never', '9', '8')).code).toBe(1);
  });
});
