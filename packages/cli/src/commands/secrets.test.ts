import { MurmurError, type PatchResourceRequest, type SetResourceRequest } from '@murmur/api';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { runForTest, type TestOptions } from '../testing.js';
import { startTestServer, type TestServer } from '../testing-server.js';

const plainHttpRefused =
  'murmur: FAILED_PRECONDITION: http://192.0.2.1:1 is another host and not https: keys and secrets could be read on their way\n' +
  'Use https, or --insecure where you trust everything in between.\n';

describe('murmur secret', () => {
  const sets: SetResourceRequest[] = [];
  const patches: PatchResourceRequest[] = [];
  const removed: string[] = [];
  let server: TestServer;

  beforeAll(async () => {
    server = await startTestServer({
      patchResource(request) {
        const { name } = request;
        if (name === 'CREATABLE') throw new MurmurError('PERMISSION_DENIED', 'missing permission secret.edit').toConnect();
        if (name !== 'KNOWN') throw new MurmurError('NOT_FOUND', `secret "${name}" not found`).toConnect();
        patches.push(request);
        return { resource: { kind: 'secret', name, spec: { case: 'secret', value: { name } } }, changed: true };
      },
      setResource(request) {
        if (request.name === 'KNOWN') throw new MurmurError('ABORTED', 'secret "KNOWN" is at generation 1, not 0').toConnect();
        sets.push(request);
        return { resource: { kind: 'secret', name: request.name, spec: { case: 'secret', value: { name: request.name } } }, changed: true };
      },
      removeResource({ name }) {
        removed.push(name);
        return {};
      },
      listResources: () => ({
        columns: [{ header: 'NAME' }, { header: 'DESCRIPTION' }],
        resources: [{ kind: 'secret', name: 'KNOWN', spec: { case: 'secret', value: { name: 'KNOWN' } } }],
        rows: [{ cells: ['KNOWN', 'For the registry'] }],
      }),
    });
  });
  afterAll(() => server.close());
  beforeEach(() => {
    sets.splice(0);
    patches.splice(0);
  });

  const run = (args: readonly string[], options: TestOptions = {}) =>
    runForTest(args, { ...options, env: { MURMUR_SERVER: server.url, MURMUR_API_KEY: 'k' } });
  const valueSent = () => sets.map(({ fields }) => fields.map(({ path, value }) => [path, value.value]));

  it.each([
    ['a value with a line break at its end', 'hunter2\n', 'hunter2'],
    ['a value as it is', '  hunter2\t', '  hunter2\t'],
    ['all but one of several line breaks', 'one\ntwo\n\n', 'one\ntwo\n'],
    ['a value with a Windows line end', 'hunter2\r\n', 'hunter2'],
    ['yaml without reading it as such', '"a": [', '"a": ['],
  ])('takes %s from standard input', async (_, stdin, value) => {
    expect(await run(['secret', 'set', 'NPM_TOKEN'], { stdin })).toEqual({ code: 0, stdout: 'Set secret "NPM_TOKEN"\n', stderr: '' });
    expect(valueSent()).toEqual([[['plaintext_value', value]]]);
    expect(sets[0]?.document).toBe('{"name":"NPM_TOKEN"}');
  });

  it.each([
    ['Enter', 'hunter2\r', 'hunter2'],
    ['Ctrl-D', 'hunter2\u0004', 'hunter2'],
    ['corrections', 'huntex\u007fr2\r', 'hunter2'],
    ['a line begun again', 'wrong\u0015hunter2\n', 'hunter2'],
    ['characters beyond ASCII', 'pässwörd€\r', 'pässwörd€'],
  ])('asks on a terminal for a value, which it does not show: %s', async (_, stdin, value) => {
    const { code, stderr, stdout } = await run(['secret', 'set', 'NPM_TOKEN'], { stdin, terminal: 'stdin' });
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'Set secret "NPM_TOKEN"\n', stderr: 'Value of NPM_TOKEN (not shown): \n' });
    expect(valueSent()).toEqual([[['plaintext_value', value]]]);
  });

  it('stores nothing after Ctrl-C, and nothing empty, cut off or not text', async () => {
    const terminal = 'stdin';
    expect((await run(['secret', 'set', 'A'], { stdin: 'hun\u0003', terminal })).code).toBe(130);
    const pasted = await run(['secret', 'set', 'A'], { stdin: '-----BEGIN\nabc\n', terminal });
    expect(pasted).toMatchObject({ code: 2, stderr: expect.stringContaining('murmur: INVALID_ARGUMENT: the value has several lines\n') });
    expect(pasted.stderr).not.toContain('BEGIN');
    const empty = await run(['secret', 'set', 'A'], { stdin: '\n' });
    expect(empty).toMatchObject({ code: 2, stderr: 'murmur: INVALID_ARGUMENT: the value of A is empty\nType the value, or pipe it in.\n' });
    const bytes = await run(['secret', 'set', 'A'], { stdin: Buffer.from([0x68, 0xff]) });
    expect(bytes.stderr).toContain('murmur: INVALID_ARGUMENT: standard input is not UTF-8 text\n');
    expect(sets).toEqual([]);
  });

  it.each([
    [['secret', 'set', 'NPM_TOKEN', 'hunter2']],
    [['secret', 'set', 'NPM_TOKEN=hunter2']],
    [['patch', 'secret', 'NPM_TOKEN', '--set', 'plaintext_value=hunter2']],
    [['patch', 'secret', 'NPM_TOKEN', '--set', 'plaintextValue=hunter2']],
  ])('refuses a value among the arguments', async (args) => {
    expect(await run(args, { stdin: 'x' })).toEqual({
      code: 2,
      stdout: '',
      stderr:
        'murmur: INVALID_ARGUMENT: the value of a secret is never an argument: process lists show those to everyone\n' +
        'Run "murmur secret set NPM_TOKEN" and type the value, or pipe it in.\n',
    });
    expect(sets).toEqual([]);
  });

  const sentFields = (requests: readonly (PatchResourceRequest | SetResourceRequest)[]) =>
    requests.map(({ fields }) => fields.map(({ path, value }) => `${path}=${value.value}`));

  it('changes the value of a secret, and its description only if one is given', async () => {
    await run(['secret', 'set', 'KNOWN'], { stdin: 'x' });
    await run(['secret', 'set', 'KNOWN', '--description', 'Another'], { stdin: 'y' });
    expect(sentFields(patches)).toEqual([['plaintext_value=x'], ['plaintext_value=y', 'description=Another']]);
    expect(sets).toEqual([]);
  });

  it('creates a secret that is not there, or for a caller who may only create', async () => {
    await run(['secret', 'set', 'NEW', '--description', 'Another'], { stdin: 'x' });
    await run(['secret', 'set', 'CREATABLE'], { stdin: 'x' });
    expect(sets.map(({ document }) => document)).toEqual(['{"name":"NEW"}', '{"name":"CREATABLE"}']);
    expect(sentFields(sets)).toEqual([['plaintext_value=x', 'description=Another'], ['plaintext_value=x']]);
  });

  it('says which generation it means, and changes no other', async () => {
    await run(['secret', 'set', 'KNOWN', '--if-generation', '3'], { stdin: 'x' });
    await run(['secret', 'set', 'KNOWN'], { stdin: 'x' });
    expect(patches.map(({ ifGeneration }) => ifGeneration)).toEqual([3n, undefined]);
    expect((await run(['secret', 'set', 'KNOWN', '--if-generation', '0'], { stdin: 'x' })).stderr).toContain('ABORTED: secret "KNOWN"');
    expect((await run(['secret', 'set', 'CREATABLE', '--if-generation', '3'], { stdin: 'x' })).stderr).toContain('PERMISSION_DENIED');
    await run(['secret', 'set', 'NEW', '--if-generation', '0'], { stdin: 'x' });
    expect(sets.map(({ ifGeneration }) => ifGeneration)).toEqual([0n]);
  });

  it('asks for no value that would go to another host in clear', async () => {
    const env = { MURMUR_SERVER: 'http://192.0.2.1:1', MURMUR_API_KEY: 'k' };
    expect(await runForTest(['secret', 'set', 'A'], { stdin: 'x', env })).toEqual({ code: 1, stdout: '', stderr: plainHttpRefused });
  });

  it('lists and deletes', async () => {
    expect((await run(['secret', 'ls'])).stdout).toBe('NAME    DESCRIPTION\nKNOWN   For the registry\n');
    expect((await run(['secret', 'ls', '-o', 'json'])).stdout).toContain('"name": "KNOWN"');
    expect(await run(['secret', 'rm', 'KNOWN'])).toEqual({ code: 0, stdout: 'Deleted secret "KNOWN"\n', stderr: '' });
    expect(removed).toEqual(['KNOWN']);
  });
});

describe('murmur server', () => {
  it('is a command, and the first word of another', async () => {
    expect((await runForTest(['server', '--help'])).stdout).toContain('--listen');
    expect((await runForTest(['server', 'rotate-key', '--help'])).stdout).toContain('--new-key-variable');
    expect(await runForTest(['server', 'rotate'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('unexpected argument "rotate"'),
    });
  });

  it('rotates no key where there is no server', async () => {
    expect(await runForTest(['server', 'rotate-key', '--data-dir', '/nonexistent/murmur'])).toEqual({
      code: 1,
      stdout: '',
      stderr:
        'murmur: FAILED_PRECONDITION: /nonexistent/murmur is not the data directory of a server\n' +
        'Name it with `--data-dir`, and a database elsewhere with `--database-url`.\n',
    });
  });
});
