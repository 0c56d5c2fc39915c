import { MurmurError } from '@murmur/api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { runForTest } from '../testing.js';
import { startTestServer, type TestServer } from '../testing-server.js';

/** Clears the screen, renames the window, asks the terminal to type, writes over the line. */
const hostile = '\u001b[2J\u001b]0;x\u0007\u009b6n\rmurmur: all is well\u202e';
const isControl = /(?!\n)\p{Cc}|\u202e/u;

describe('text from a server, a guest or a document', () => {
  let server: TestServer;
  beforeEach(async () => {
    const image = {
      spec: { case: 'recipe' as const, value: { name: 'r', description: hostile, provisioningScript: `${hostile}\n${hostile}` } },
    };
    server = await startTestServer({
      listResources: () => ({ columns: [{ header: hostile }], resources: [{ name: 'r' }], rows: [{ cells: [hostile] }] }),
      getResource: ({ name }) => {
        if (name === 'r') return { resource: { kind: 'recipe', name, ...image } };
        throw new MurmurError('NOT_FOUND', `recipe "${hostile}" not found`, { hint: hostile }).toConnect();
      },
      listGenerations: () => ({ generations: [{ generation: 2n, author: hostile, resource: { kind: 'recipe', name: 'r', ...image } }] }),
      getBake: () => ({ bake: { runId: 'run-1', phase: 'failed', error: hostile, recipe: hostile, scope: hostile } }),
      async *streamBakeLog() {
        yield { text: `${hostile}\n`, nextOffset: 6n };
        yield { nextOffset: 6n, bake: { runId: 'run-1', phase: 'failed', error: hostile, endTime: { seconds: 1n } } };
      },
      async *tryImage() {
        yield { event: { case: 'progress', value: hostile } };
        yield { event: { case: 'stdout', value: Buffer.from(hostile) } };
        yield { event: { case: 'stderr', value: Buffer.from(hostile) } };
        yield { event: { case: 'exitCode', value: 0 } };
      },
      async *buildBase() {
        yield { event: { case: 'progress', value: hostile } };
        throw new MurmurError('INTERNAL', hostile).toConnect();
      },
      whoAmI: () => ({ tenant: hostile, subject: hostile, keyId: hostile }),
    });
  });
  afterEach(() => server.close());

  const run = (args: string, terminal?: 'output') =>
    runForTest(args.split(' '), {
      env: { MURMUR_SERVER: server.url, MURMUR_API_KEY: 'k' },
      ...(terminal === undefined ? {} : { terminal }),
    });

  it.each([
    'get recipe',
    'get recipe r -o yaml',
    'get recipe r -o json',
    'get recipe x',
    'history recipe r',
    'bakes show run-1',
    'bakes show run-1 -o yaml',
    'bakes logs run-1',
    'bakes logs --follow run-1',
    'try i e p -- x',
    'base build',
    'whoami',
  ])('does not drive a terminal: %s', async (args) => {
    const { stdout, stderr } = await run(args, 'output');
    expect(stdout + stderr).toContain('all is well');
    expect(stdout + stderr).not.toMatch(isControl);
  });

  it('is shown as what it is, and raw where that is asked for or no terminal', async () => {
    const shown = '^[[2J^[]0;x^G<U+009B>6n^Mmurmur: all is well<U+202E>';
    expect((await run('bakes logs run-1', 'output')).stdout).toBe(`${shown}\n`);
    expect((await run('bakes logs --raw run-1', 'output')).stdout).toBe(`${hostile}\n`);
    expect((await run('bakes logs run-1')).stdout).toBe(`${hostile}\n`);
    expect((await run('try i e p -- x', 'output')).stdout).toBe(shown);
    expect((await run('try --raw i e p -- x', 'output')).stdout).toBe(hostile);
    expect((await run('try i e p -- x')).stdout).toBe(hostile);
  });
});
