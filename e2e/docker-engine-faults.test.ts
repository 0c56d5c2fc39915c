import { rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { connectEngine, type Engine } from '../packages/server/src/substrates/docker/engine.js';
import { logHas, logOf, runEnded, runsOf, runWhen } from './harness/bakes.js';
import { murmurOk } from './harness/cli.js';
import { type DockerKitchen, dockerPlace, setDockerRecipe, startDockerKitchen } from './harness/docker.js';

const waiting = `#!/bin/sh
echo waiting
while [ ! -e /go ]; do sleep 0.1; done
rm /go
`;

/** An engine with little room behind a connection that can be slow, as a server meets it. */
describe('an engine', () => {
  let kitchen: DockerKitchen;
  let docker: Engine['docker'];
  let way: SlowWay;
  beforeAll(async () => {
    kitchen = await startDockerKitchen({
      dataMegabytes: 96,
      async reach({ folder, socket }) {
        way = await slowWay(join(folder, 'way.sock'), socket);
        return join(folder, 'way.sock');
      },
    });
    docker = (await connectEngine(kitchen.engine.socket)).docker;
  });
  afterAll(async () => {
    await kitchen[Symbol.asyncDispose]();
    way.close();
  });

  const release = async () => {
    const [running] = await docker.listContainers();
    const exec = await docker.getContainer(running?.Id ?? '').exec({ Cmd: ['touch', '/go'], User: '0' });
    await exec.start({ Detach: true });
  };
  const begin = async (recipe: string, script: string): Promise<string> => {
    await setDockerRecipe(kitchen.server, recipe, script);
    await murmurOk(kitchen.server, ['bake', recipe, ...dockerPlace]);
    const [run] = await runsOf(kitchen.server, recipe);
    await logHas(kitchen.server, run?.run_id ?? '', 'waiting\n');
    return run?.run_id ?? '';
  };
  /** Containers, and images that no catalog entry names. */
  const left = async () => {
    const [containers, images] = await Promise.all([docker.listContainers({ all: true }), docker.listImages({ all: true })]);
    const half = images.flatMap(({ Id, RepoTags }) => (RepoTags ?? [Id]).filter((tag) => /^(?:murmur-pending|<none>|sha256)/.test(tag)));
    return [...containers.flatMap(({ Names }) => Names), ...half];
  };

  it.each(['SIGTERM', 'SIGKILL'] as const)(
    'that ends by %s in mid-bake and comes back has a fresh container, and nothing left',
    async (how) => {
      const { engine, server } = kitchen;
      const recipe = `ended-by-${how.toLowerCase()}`;
      await begin(recipe, waiting);
      await engine.stop(how);
      await engine.start();
      await runWhen(server, recipe, 'in its second attempt', ({ attempt, phase }) => attempt === 2 && phase === 'provisioning');
      const [again] = await runsOf(server, recipe);
      await logHas(server, again?.run_id ?? '', 'attempt 1 of 3 failed');
      await expect.poll(async () => (await docker.listContainers()).length, { timeout: 60_000 }).toBe(1);
      await release();
      expect(await runEnded(server, recipe)).toMatchObject({ phase: 'completed', attempt: 2 });
      expect(await left()).toEqual([]);
    },
  );

  it('that is away is waited for', async () => {
    const { engine, server } = kitchen;
    await setDockerRecipe(server, 'awaited', '#!/bin/sh\ntrue\n');
    await engine.stop();
    const bake = murmurOk(server, ['bake', '--wait', 'awaited', ...dockerPlace]);
    await engine.start();
    await bake;
    expect(await runEnded(server, 'awaited')).toMatchObject({ phase: 'completed', attempt: 1 });
    expect(await left()).toEqual([]);
  });

  it('that is slow, and for a while says nothing at all, is waited for in mid-script', async () => {
    const { engine, server } = kitchen;
    way.slow(150);
    const id = await begin('slow', waiting);
    process.kill(engine.pid(), 'SIGSTOP');
    try {
      await way.asked();
    } finally {
      process.kill(engine.pid(), 'SIGCONT');
    }
    await release();
    const { attempt, phase } = await runEnded(server, 'slow');
    way.slow(0);
    expect({ attempt, phase, log: await logOf(server, id) }).toEqual({ attempt: 1, phase: 'completed', log: 'waiting\n' });
    expect(await left()).toEqual([]);
  });

  it('that runs out of disk while it keeps an image says so, and keeps it once there is room again', async () => {
    const { engine, server } = kitchen;
    const ballast = join(engine.dataRoot, 'ballast');
    const id = await begin('heavy', `${waiting}dd if=/dev/urandom of=/made bs=1M count=30 2>/dev/null\n`);
    await writeFile(ballast, Buffer.alloc(45 * 1024 * 1024));
    await release();
    await logHas(server, id, 'attempt 1 of 3 failed: the Docker engine has no disk space left\n');
    await rm(ballast);
    await runWhen(server, 'heavy', 'in its second attempt', ({ attempt, phase }) => attempt === 2 && phase === 'provisioning');
    await expect.poll(async () => (await docker.listContainers()).length, { timeout: 60_000 }).toBe(1);
    await release();
    expect(await runEnded(server, 'heavy')).toMatchObject({ phase: 'completed', attempt: 2 });
    expect(await left()).toEqual([]);
  });
});

/** A way to a socket on which what goes either way can be made to take its time. */
interface SlowWay {
  slow(ms: number): void;
  /** Resolves when one more connection is made. */
  asked(): Promise<void>;
  close(): void;
}

async function slowWay(from: string, to: string): Promise<SlowWay> {
  const sockets = new Set<Socket>();
  let waitMs = 0;
  let waiting: (() => void)[] = [];
  const hand = (one: Socket, other: Socket) => {
    let before = Promise.resolve();
    const inTurn = (act: () => void) => {
      before = before.then(() => new Promise((resolve) => setTimeout(resolve, waitMs))).then(act);
    };
    one.on('data', (chunk) => inTurn(() => void (other.writable && other.write(chunk))));
    one.on('end', () => inTurn(() => other.end()));
    one.on('error', () => other.destroy()).on('close', () => (one.errored === null ? undefined : other.destroy()));
  };
  const server: Server = createServer({ allowHalfOpen: true }, (client) => {
    const engine = connect({ path: to, allowHalfOpen: true });
    for (const socket of [client, engine]) {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    }
    hand(client, engine);
    hand(engine, client);
    for (const tell of waiting) tell();
    waiting = [];
  });
  await new Promise<void>((resolve) => server.listen(from, resolve));
  return {
    slow: (ms) => void (waitMs = ms),
    asked: () => new Promise((resolve) => waiting.push(resolve)),
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
