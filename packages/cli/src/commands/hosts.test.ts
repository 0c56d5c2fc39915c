import { Host_State } from '@murmur/api';
import { afterEach, expect, it } from 'vitest';

import { runForTest } from '../testing.js';
import { startTestServer, type TestServer } from '../testing-server.js';

let server: TestServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

const seenTime = { seconds: 1_700_000_000n };
const live = { id: '0123456789abcdef', name: 'build-1', state: Host_State.LIVE, seenTime, images: 3, bakes: 1 };
const retired = { id: 'fedcba9876543210', name: 'build-2', state: Host_State.RETIRED, seenTime };

async function serve(): Promise<Record<string, string>> {
  server = await startTestServer({
    listHosts: () => ({ hosts: [live, retired] }),
    retireHost: ({ host }) => ({ host: { ...retired, name: host }, images: 2, bakes: 1 }),
  });
  return { MURMUR_SERVER: server.url, MURMUR_API_KEY: 'mur_a.b' };
}

it('lists hosts with what lies on each', async () => {
  const env = await serve();
  expect((await runForTest(['host', 'ls'], { env })).stdout).toBe(
    [
      'ID                 NAME      STATE     SEEN                   IMAGES   BAKES',
      '0123456789abcdef   build-1   LIVE      2023-11-14T22:13:20Z   3        1',
      'fedcba9876543210   build-2   RETIRED   2023-11-14T22:13:20Z   0        0',
      '',
    ].join('\n'),
  );
  const { stdout } = await runForTest(['host', 'ls', '-o', 'json'], { env });
  expect(JSON.parse(stdout)).toMatchObject([{ id: live.id, images: 3 }, { id: retired.id }]);
});

it('says what retiring a host came to', async () => {
  const env = await serve();
  expect(await runForTest(['host', 'retire', 'build-2'], { env })).toEqual({
    code: 0,
    stdout: 'Retired host "build-2"\n',
    stderr: '2 images missing now, 1 bake begun anew\n',
  });
  const { stdout } = await runForTest(['host', 'retire', 'build-2', '-o', 'json'], { env });
  expect(JSON.parse(stdout)).toMatchObject({ host: { name: 'build-2' }, images: 2, bakes: 1 });
  expect((await runForTest(['host', 'retire'], { env })).code).toBe(2);
});

it('completes the ids of hosts that are not retired', async () => {
  const env = await serve();
  expect((await runForTest(['__complete', 'host', 'retire', ''], { env })).stdout).toBe('0123456789abcdef\n');
});
