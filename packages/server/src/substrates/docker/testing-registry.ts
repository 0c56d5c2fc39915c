import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import type { TestEngine } from './testing-engine.js';
import { startTokenService, tokenIssuer, tokenService } from './testing-tokens.js';

/** Who may use a registry with a password. */
export const registryLogin = 'murmur:pass-word';
/** The password as the registry wants it, by bcrypt. */
const htpasswd = 'murmur:$2y$05$mvetu4ALjbggJXNaJ4Z6cuG3i5Nofu3hWDSbSsk.Q8BdWP5e43uau\n';

/** A registry that an engine reaches on its own loopback, and this process on its own. */
export interface TestRegistry extends AsyncDisposable {
  /** The same to both: `127.0.0.1:<port>`. */
  readonly host: string;
  /** Where it keeps what it is given. */
  readonly folder: string;
  /** Nobody reaches it until it is let go on. */
  pause(): void;
  resume(): void;
}

/** Passes what comes at a port on to the registry's socket; run in the network of the engine. */
const relay = `
const net = require('node:net');
const [socket, port] = process.argv.slice(1);
net.createServer((from) => {
  const to = net.createConnection(socket);
  for (const [one, other] of [[from, to], [to, from]]) { one.on('error', () => other.destroy()); one.pipe(other); }
}).listen(Number(port), '127.0.0.1', () => console.log('ready'));
`;

/** Who a registry serves: anybody, who has a password, or who has a token that a service gives for that password. */
export type RegistryAccess = 'open' | 'password' | 'token';

/** Starts Debian's `docker-registry` for one engine; whoever uses it has a password if it takes one. */
export async function startTestRegistry(engine: TestEngine, access: RegistryAccess): Promise<TestRegistry> {
  const folder = await mkdtemp(join(tmpdir(), 'murmur-registry-'));
  const socket = join(folder, 'registry.sock');
  await writeFile(join(folder, 'htpasswd'), htpasswd);
  const tokens = access === 'token' ? await startTokenService(folder, registryLogin) : undefined;
  const realm = tokens === undefined ? undefined : await relayedPort(engine, tokens.socket);
  const auth = {
    open: {},
    password: { auth: { htpasswd: { realm: 'test', path: join(folder, 'htpasswd') } } },
    token: {
      auth: {
        token: {
          realm: `http://127.0.0.1:${realm?.port}/token`,
          service: tokenService,
          issuer: tokenIssuer,
          rootcertbundle: tokens?.certificate,
        },
      },
    },
  }[access];
  const configuration = {
    version: '0.1',
    storage: { filesystem: { rootdirectory: join(folder, 'data') }, delete: { enabled: true } },
    http: { net: 'unix', addr: socket },
    log: { level: 'error' },
    ...auth,
  };
  await writeFile(join(folder, 'config.yml'), JSON.stringify(configuration));
  const registry = spawn('docker-registry', ['serve', join(folder, 'config.yml')], { stdio: ['ignore', 'ignore', 'pipe'] });
  const way = await relayedPort(engine, socket);
  const { port } = way;
  await answers(`http://127.0.0.1:${port}/v2/`, registry);
  return {
    host: `127.0.0.1:${port}`,
    folder,
    pause: () => void registry.kill('SIGSTOP'),
    resume: () => void registry.kill('SIGCONT'),
    async [Symbol.asyncDispose]() {
      await way.close();
      await realm?.close();
      tokens?.close();
      await ended(registry);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A port of this process's and of the engine's loopback alike, behind which is a socket. */
async function relayedPort(engine: TestEngine, socket: string): Promise<{ readonly port: number; close(): Promise<void> }> {
  const here = createServer((from) => {
    const to = createConnection(socket);
    from.on('error', () => to.destroy()).pipe(to);
    to.on('error', () => from.destroy()).pipe(from);
  });
  await new Promise<void>((resolve) => here.listen(0, '127.0.0.1', resolve));
  const address = here.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const there = spawn('nsenter', [`--net=/proc/${engine.pid()}/ns/net`, process.execPath, '-e', relay, socket, String(port)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise((resolve, reject) => {
    there.stdout.once('data', resolve);
    there.once('close', () => reject(new Error('the relay to the registry ended')));
  });
  return {
    port,
    async close() {
      await ended(there);
      here.close();
    },
  };
}

async function ended(child: ChildProcess): Promise<void> {
  const closed = new Promise((resolve) => child.once('close', resolve));
  if (child.exitCode === null && child.kill('SIGKILL')) await closed;
}

async function answers(url: string, registry: ChildProcess): Promise<void> {
  for (const limit = Date.now() + 60_000; ; await delay(50)) {
    try {
      await fetch(url);
      return;
    } catch (error) {
      if (registry.exitCode !== null || Date.now() > limit) throw new Error('docker-registry did not start', { cause: error });
    }
  }
}
