import { Architecture, PlacementFinding_Outcome as Outcome } from '@murmur/api';
import { afterEach, expect, it } from 'vitest';

import { runForTest } from '../testing.js';
import { startTestServer, type TestServer } from '../testing-server.js';

let server: TestServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

const good = { check: 'subnets', outcome: Outcome.OK, found: 'subnet-1 (us-east-1a)' };
const bad = { check: 'ec2:CreateImage', outcome: Outcome.FAILED, found: 'not authorized', remedy: 'Allow ec2:CreateImage.' };
const open = { check: 'way to machines', outcome: Outcome.NOT_CHECKED, found: 'by private addresses' };

it('lists what distributions publish at a placement', async () => {
  const bases = [
    { publisher: 'Debian', name: 'debian-12-amd64-20260901', architecture: Architecture.AMD64, id: 'ami-1', published: '2026-09-01' },
  ];
  server = await startTestServer({ findBases: ({ placement }) => ({ bases: placement === 'east' ? bases : [] }) });
  const env = { MURMUR_SERVER: server.url, MURMUR_API_KEY: 'mur_a.b' };
  expect((await runForTest(['base', 'find', '--placement', 'east'], { env })).stdout).toBe(
    [
      'PUBLISHER   ID      ARCHITECTURE   PUBLISHED    NAME',
      'Debian      ami-1   AMD64          2026-09-01   debian-12-amd64-20260901',
      '',
    ].join('\n'),
  );
});

it('says what a placement has and lacks and what to do about it, and exits with 1 when it lacks something', async () => {
  let findings = [good, bad, open];
  server = await startTestServer({ checkPlacement: () => ({ findings }) });
  const env = { MURMUR_SERVER: server.url, MURMUR_API_KEY: 'mur_a.b' };
  const failed = await runForTest(['placement', 'check', 'east'], { env });
  expect(failed.code).toBe(1);
  expect(failed.stdout).toBe(
    [
      'CHECK             RESULT        FOUND                   WHAT TO DO',
      'subnets           OK            subnet-1 (us-east-1a)',
      'ec2:CreateImage   FAILED        not authorized          Allow ec2:CreateImage.',
      'way to machines   NOT CHECKED   by private addresses',
      '',
    ].join('\n'),
  );
  findings = [good, open];
  const passed = await runForTest(['placement', 'check', 'east', '-o', 'json'], { env });
  expect(passed.code).toBe(0);
  expect(JSON.parse(passed.stdout)).toMatchObject([{ check: 'subnets', outcome: 'OUTCOME_OK' }, { outcome: 'OUTCOME_NOT_CHECKED' }]);
});
