import { setTimeout as delay } from 'node:timers/promises';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { type BakeSchema, MurmurError, type StartBakeRequest, StartBakeResponse_Outcome as Outcome } from '@murmur/api';
import { afterEach, describe, expect, it } from 'vitest';

import { runCli } from '../run.js';
import { runForTest, testSurroundings } from '../testing.js';
import { startTestServer, type TestServer } from '../testing-server.js';

const hash = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08';
const answer = {
  scope: 'acme-agents',
  artifactName: 'murmur-provision-a1b2c3d4e5f67890',
  imageHash: hash,
  imageName: 'my-recipe-9f86d081884c7d65',
  runId: 'run-1',
};
const running: MessageInitShape<typeof BakeSchema> = {
  runId: 'run-1',
  recipe: 'my-recipe',
  environment: 'staging',
  placement: 'us-central1',
  imageHash: hash,
  imageName: answer.imageName,
  phase: 'provisioning',
  createTime: { seconds: 1_700_000_000n },
};
const completed = { ...running, phase: 'completed', endTime: { seconds: 1_700_000_067n } };
const failed = { ...running, phase: 'failed', endTime: { seconds: 1_700_000_003n }, error: 'script exited with code 7' };
const line = ['bake', 'my-recipe', 'staging', 'us-central1'];

describe('bake', () => {
  let server: TestServer | undefined;
  afterEach(() => server?.close());

  async function serve(...[answers]: Parameters<typeof startTestServer>): Promise<Record<string, string>> {
    server = await startTestServer(answers);
    return { MURMUR_SERVER: server.url, MURMUR_API_KEY: 'k' };
  }

  it.each([
    [
      Outcome.STARTED,
      `Bake started (scope: acme-agents, image: murmur-provision-a1b2c3d4e5f67890, hash: ${hash})\nPin workspace with: murmur patch workspace <name> --set image_ref=my-recipe-9f86d081884c7d65\n`,
    ],
    [Outcome.IN_PROGRESS, `Bake in progress (scope: acme-agents, image: murmur-provision-a1b2c3d4e5f67890, hash: ${hash})\n`],
  ])('prints outcome %d to the letter and names the run aside', async (outcome, stdout) => {
    const env = await serve({ startBake: () => ({ ...answer, outcome }) });
    expect(await runForTest(line, { env })).toEqual({ code: 0, stdout, stderr: 'Follow with: murmur bakes logs --follow run-1\n' });
  });

  it('says no more than that an image is cached, waiting or not', async () => {
    const env = await serve({ startBake: () => ({ ...answer, outcome: Outcome.CACHED }) });
    const expected = { code: 0, stdout: `Image murmur-provision-a1b2c3d4e5f67890 already cached (hash: ${hash})\n`, stderr: '' };
    expect(await runForTest(line, { env })).toEqual(expected);
    expect(await runForTest([...line, '--wait'], { env })).toEqual(expected);
  });

  it('sends its flags, wherever they stand', async () => {
    const requests: StartBakeRequest[] = [];
    const env = await serve({
      startBake(request) {
        requests.push(request);
        return { ...answer, outcome: Outcome.STARTED };
      },
    });
    await runForTest(['bake', '-e', 'NPM_TOKEN', 'r', '--force-new', 'e', '-e', 'URL=https://x/?a=b', 'p', '--keep-on-failure', '30m'], {
      env: { ...env, NPM_TOKEN: 's3cret' },
    });
    expect(requests).toMatchObject([
      {
        recipe: 'r',
        environment: 'e',
        placement: 'p',
        forceNew: true,
        keepOnFailure: '30m',
        serviceProfile: '',
        variables: { NPM_TOKEN: 's3cret', URL: 'https://x/?a=b' },
      },
    ]);
    await runForTest(['bake', '--service-profile', 'ci-bot', 'r', 'e', 'p'], { env });
    expect(requests[1]).toMatchObject({ forceNew: false, serviceProfile: 'ci-bot', variables: {} });
  });

  it('answers programs with a document', async () => {
    const env = await serve({ startBake: () => ({ ...answer, outcome: Outcome.STARTED }) });
    expect(JSON.parse((await runForTest([...line, '-o', 'json'], { env })).stdout)).toEqual({
      outcome: 'OUTCOME_STARTED',
      scope: 'acme-agents',
      artifact_name: 'murmur-provision-a1b2c3d4e5f67890',
      image_hash: hash,
      image_name: 'my-recipe-9f86d081884c7d65',
      run_id: 'run-1',
    });
  });

  it('a log goes on with the next token when its own has ended', async () => {
    let calls = 0;
    const env = await serve({
      getBake: () => ({ bake: running }),
      async *streamBakeLog({ offset }) {
        calls += 1;
        if (offset === 0n) yield { bake: running, text: 'first\n', nextOffset: 6n };
        if (offset === 0n) throw new MurmurError('UNAUTHENTICATED', 'identity token is missing or expired').toConnect();
        yield { text: 'second\n', nextOffset: 13n, bake: completed };
      },
    });
    const { code, stdout } = await runForTest(['bakes', 'logs', '--follow', 'run-1'], { env });
    expect({ code, stdout, calls }).toEqual({ code: 0, stdout: 'first\nsecond\n', calls: 2 });
  });

  it('--wait follows to the end and succeeds with the bake', async () => {
    const env = await serve({
      startBake: () => ({ ...answer, outcome: Outcome.STARTED }),
      async *streamBakeLog() {
        yield { bake: running };
        yield { text: 'hello\n', nextOffset: 6n };
        yield { nextOffset: 6n, bake: completed };
      },
    });
    const { code, stdout, stderr } = await runForTest([...line, '--wait'], { env });
    expect(stdout).toMatch(/^Bake started .*\nPin workspace .*\n$/);
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: 'Phase: provisioning\nhello\nBake completed in 1m07s: image my-recipe-9f86d081884c7d65\n',
    });
  });

  it('--wait fails with the bake, and says how to get at a kept machine', async () => {
    const keptMachine = { shellCommand: 'ssh -p 1 root@127.0.0.1', expireTime: { seconds: 1_700_001_800n } };
    const env = await serve({
      startBake: () => ({ ...answer, outcome: Outcome.STARTED }),
      async *streamBakeLog() {
        yield { bake: { ...failed, keptMachine } };
      },
    });
    const { code, stderr } = await runForTest([...line, '--wait'], { env });
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr:
        "Bake failed after 3s: script exited with code 7\nThe machine stays up until 2023-11-14T22:43:20Z; on the server's host, open a shell with: ssh -p 1 root@127.0.0.1\n",
    });
  });

  it('Ctrl-C while waiting only detaches', async () => {
    const surroundings = testSurroundings();
    const pressing = {
      write(chunk: string | Uint8Array) {
        surroundings.stderr.write(chunk);
        surroundings.interrupt();
      },
    };
    const env = await serve({
      startBake: () => ({ ...answer, outcome: Outcome.STARTED }),
      async *streamBakeLog(_request, { signal }) {
        yield { bake: running };
        await delay(60_000, undefined, { signal }).catch(() => undefined);
      },
    });
    const code = await runCli([...line, '--wait'], { ...surroundings, env, stderr: pressing });
    expect({ code, stderr: surroundings.stderr.text() }).toEqual({
      code: 130,
      stderr:
        'Phase: provisioning\nDetached; the bake goes on\nFollow with: murmur bakes logs --follow run-1\nCancel with: murmur bakes cancel run-1\n',
    });
  });

  it('a log resumes where a crash of the server cut it, with no line lost or repeated', async () => {
    const log = 'one\ntwo\nthree\n';
    const offsets: bigint[] = [];
    const answers: Parameters<typeof startTestServer>[0] = {
      getBake: () => ({ bake: running }),
      async *streamBakeLog({ offset }, { signal }) {
        offsets.push(offset);
        if (offset === 0n) {
          yield { text: 'one\n', nextOffset: 4n, bake: running };
          setImmediate(() => server?.cut());
          await delay(60_000, undefined, { signal }).catch(() => undefined);
          return;
        }
        // A server that is told to stop ends its streams as if all were said.
        if (offset === 4n && offsets.length === 2) {
          yield { text: 'two\n', nextOffset: 8n, bake: running };
          return;
        }
        yield { text: log.slice(Number(offset)), nextOffset: BigInt(log.length), bake: completed };
      },
    };
    const env = await serve(answers);
    expect(await runForTest(['bakes', 'logs', '--follow', 'run-1'], { env })).toEqual({
      code: 0,
      stdout: log,
      stderr:
        'Phase: provisioning\nConnection to the server lost; trying again\nBake completed in 1m07s: image my-recipe-9f86d081884c7d65\n',
    });
    expect(offsets).toEqual([0n, 4n, 8n]);
  });

  it('a log without --follow ends where it stands, and a refusal is not retried', async () => {
    let calls = 0;
    const env = await serve({
      getBake({ runId }) {
        if (!'run-1'.startsWith(runId)) throw new MurmurError('NOT_FOUND', `bake "${runId}" not found`).toConnect();
        return { bake: running };
      },
      async *streamBakeLog({ runId }) {
        calls += 1;
        if (runId !== 'run-1') throw new MurmurError('PERMISSION_DENIED', 'not yours').toConnect();
        yield { text: 'so far\n', nextOffset: 7n, bake: running };
      },
    });
    expect(await runForTest(['bakes', 'logs', 'run'], { env })).toEqual({ code: 0, stdout: 'so far\n', stderr: '' });
    expect(await runForTest(['bakes', 'logs', '--follow', 'x'], { env })).toEqual({
      code: 1,
      stdout: '',
      stderr: 'murmur: NOT_FOUND: bake "x" not found\n',
    });
    expect(calls).toBe(1);
  });

  it('bakes ls lists columns, whole hashes on request, and the next page aside', async () => {
    const env = await serve({
      listBakes: ({ pageSize, pageToken, runningOnly, recipe }) => ({
        bakes: [{ ...failed, error: `${'x'.repeat(99)}yz\nmore`, recipe: `${recipe}${pageSize}${runningOnly ? 'r' : 'a'}` }],
        nextPageToken: pageToken === 'next' ? '' : 'next',
      }),
    });
    const { stdout, stderr } = await runForTest(['bakes', 'ls'], { env });
    expect(stdout.split('\n')).toEqual([
      'RUN ID   RECIPE   ENVIRONMENT   PLACEMENT     HASH           PHASE    STARTED                DURATION   ERROR',
      `run-1    25a      staging       us-central1   9f86d081884c   failed   2023-11-14T22:13:20Z   3s         ${'x'.repeat(99)}…`,
      '',
    ]);
    expect(stderr).toBe('More with: murmur bakes ls --page-token next\n');
    const narrow = await runForTest(['bakes', 'ls', '--all=false', '--full-hash', '--page-size', '7', '--recipe', 'q'], { env });
    expect(narrow.stderr).toBe('More with: murmur bakes ls --all=false --recipe q --full-hash --page-size 7 --page-token next\n');
    expect(narrow.stdout).toContain(`run-1    q7r      staging       us-central1   ${hash}   failed`);
    expect(JSON.parse((await runForTest(['bakes', 'ls', '-o', 'json'], { env })).stdout)).toMatchObject([
      { run_id: 'run-1', phase: 'failed', recipe: '100a' },
      { run_id: 'run-1', phase: 'failed', recipe: '100a' },
    ]);
    expect(JSON.parse((await runForTest(['bakes', 'ls', '-o', 'json', '--page-size', '1'], { env })).stdout)).toMatchObject({
      bakes: [{ recipe: '1a' }],
      next_page_token: 'next',
    });
  });

  it.each([
    ['completed', completed, 0],
    ['failed', failed, 1],
    ['cancelled', { ...failed, phase: 'cancelled' }, 1],
  ])('a command that waits for a bake that is %s says so with its exit code', async (_, bake, code) => {
    const env = await serve({
      startBake: () => ({ ...answer, outcome: Outcome.STARTED }),
      getBake: () => ({ bake }),
      async *streamBakeLog() {
        yield { text: 'hello\n', nextOffset: 6n, bake };
      },
    });
    for (const command of [
      ['bakes', 'logs', '--follow', 'run-1'],
      ['bakes', 'wait', 'run-1'],
      [...line, '--wait'],
    ]) {
      expect([command, (await runForTest(command, { env })).code]).toEqual([command, code]);
    }
    const both = await runForTest([...line, '--wait', '-o', 'json'], { env });
    expect(both.code).toBe(code);
    expect(both.stderr).toMatch(/^Run: run-1\n/);
    expect(JSON.parse(both.stdout)).toMatchObject({ outcome: 'OUTCOME_STARTED', image_name: answer.imageName, phase: bake.phase });
    expect((await runForTest(['bakes', 'wait', 'run-1', '--for', 'ended'], { env })).code).toBe(0);
  });

  it('bakes wait takes the newest of a recipe, waits for a phase, and not longer than it is told', async () => {
    let asked = 0;
    const env = await serve({
      listBakes: ({ recipe }) => ({ bakes: recipe === 'my-recipe' ? [{ ...running, phase: 'launching' }] : [] }),
      getBake: () => ({ bake: (asked += 1) > 1 ? running : { ...running, phase: 'launching' } }),
    });
    expect(await runForTest(['bakes', 'wait', '--recipe', 'my-recipe', '--for', 'provisioning'], { env })).toEqual({
      code: 0,
      stdout: '',
      stderr: 'Phase: provisioning\n',
    });
    expect(await runForTest(['bakes', 'wait', 'run-1', '--timeout', '10ms'], { env })).toEqual({
      code: 1,
      stdout: '',
      stderr:
        'murmur: DEADLINE_EXCEEDED: bake "run-1" is still provisioning\nIt goes on. Follow it with: murmur bakes logs --follow run-1\n',
    });
    expect((await runForTest(['bakes', 'wait', '--recipe', 'x'], { env })).stderr).toContain('NOT_FOUND: recipe "x" has no bake');
    expect((await runForTest(['bakes', 'wait'], { env })).code).toBe(2);
  });

  it('bakes again starts what a bake was about', async () => {
    const requests: StartBakeRequest[] = [];
    const env = await serve({
      getBake: () => ({ bake: failed }),
      startBake(request) {
        requests.push(request);
        return { ...answer, outcome: Outcome.STARTED };
      },
    });
    await runForTest(['bakes', 'again', 'run', '--force-new'], { env });
    expect(requests).toMatchObject([{ recipe: 'my-recipe', environment: 'staging', placement: 'us-central1', forceNew: true }]);
  });

  it('bakes show prints what is known, bakes cancel says what it did', async () => {
    const env = await serve({
      getBake: () => ({ bake: { ...failed, attempt: 1, steps: [{ step: 'launch', attempt: 1, seconds: 1.25 }] } }),
      cancelBake: () => ({ bake: { ...running, phase: 'cancelled' } }),
    });
    expect((await runForTest(['bakes', 'show', 'run'], { env })).stdout).toMatchSnapshot();
    expect(await runForTest(['bakes', 'cancel', 'run'], { env })).toEqual({ code: 0, stdout: 'Cancelled bake "run-1"\n', stderr: '' });
  });
});
