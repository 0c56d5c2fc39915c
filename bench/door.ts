// What a call with a wrong key costs a server, whatever it brings: `npm run bench:door`. The limit is the project's own.
import { once } from 'node:events';
import { readFile, rm, mkdtemp } from 'node:fs/promises';
import { Agent, type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';

import { type BenchServer, startServer } from './server.js';
import { median, medianRatio } from './statistics.js';

const { values } = parseArgs({ options: { runs: { type: 'string', default: '31' } } });
const runs = Number(values.runs);

/** Of the server's processor, for one call. */
const limitMs = 20;

/** The processor's clock ticks in a second, as Linux counts them for programs. */
const ticksPerSecond = 100;

const megabytes = 13 * 1024 * 1024 - 64;
const bodies: readonly [string, string, Record<string, string>, Buffer][] = [
  ['nothing', 'application/json', {}, Buffer.from('{}')],
  ['13 MiB of gzip in 13 KiB', 'application/proto', { 'content-encoding': 'gzip' }, gzipSync(Buffer.alloc(megabytes, '\n\0'))],
  ['13 MiB of empty list items', 'application/proto', {}, Buffer.alloc(megabytes, '\n\0')],
  ['13 MiB of JSON brackets', 'application/json', {}, Buffer.alloc(megabytes, '[')],
  ['13 MiB of gRPC-Web frames', 'application/grpc-web+proto', {}, Buffer.alloc(megabytes)],
];

const wrong = { authorization: `Bearer mur_${'a'.repeat(12)}.${'A'.repeat(43)}` };
const dataDir = await mkdtemp(join(tmpdir(), 'murmur-bench-'));
let kept = true;
try {
  await using server = await startServer(dataDir);
  for (const [index, body] of bodies.entries()) kept = (await measure(server, body, `127.0.1.${index + 1}`)) && kept;
  await flood(server);
} finally {
  await rm(dataDir, { recursive: true, force: true });
}
process.exitCode = kept ? 0 : 1;

/** From addresses of their own, as wrong keys are slowed down after a hundred from one. */
async function measure(server: BenchServer, [name, type, headers, body]: (typeof bodies)[number], localAddress: string): Promise<boolean> {
  const agent = new Agent({ localAddress });
  const pairs: (readonly [number, number])[] = [];
  let before = 0;
  for (let run = 0; run <= runs; run += 1) {
    const health = await timed(server, '/healthz', { agent });
    const call = await timed(server, '/murmur.api.v1.MurmurService/ApplyResources', { agent, type, headers, body });
    // The first of each fills caches and is not counted.
    if (run === 0) before = await processorTicks(server.pid);
    else pairs.push([call, health]);
  }
  // With what was left of the requests, which goes by after their answers.
  const ticks = (await processorTicks(server.pid)) - before;
  agent.destroy();
  const cost = (ticks / ticksPerSecond / runs) * 1000;
  const wall = (side: 0 | 1) => `${median(pairs.map((pair) => pair[side])).toFixed(1)} ms`;
  process.stdout.write(
    `${name}: ${cost.toFixed(1)} ms of the server's processor (at most ${limitMs}); answered in ${wall(0)}, /healthz in ${wall(1)}, ` +
      `${medianRatio(pairs).toFixed(1)} times (${runs} pairs)\n`,
  );
  return cost <= limitMs;
}

/** How long /healthz takes while five strangers send the worst of them without a pause. */
async function flood(server: BenchServer): Promise<void> {
  const [, , worst] = bodies;
  if (worst === undefined) return;
  const [, type, headers, body] = worst;
  const over = new AbortController();
  const strangers = Array.from({ length: 5 }, async (_, index) => {
    const agent = new Agent({ localAddress: `127.0.2.${index + 1}` });
    while (!over.signal.aborted) {
      await timed(server, '/murmur.api.v1.MurmurService/ApplyResources', { agent, type, headers, body });
    }
    agent.destroy();
  });
  const times: number[] = [];
  const agent = new Agent();
  for (let run = 0; run < runs; run += 1) times.push(await timed(server, '/healthz', { agent }));
  over.abort();
  await Promise.all(strangers);
  process.stdout.write(
    `/healthz beside five such strangers: ${median(times).toFixed(1)} ms, at most ${Math.max(...times).toFixed(1)} ms\n`,
  );
}

interface Sent {
  readonly agent: Agent;
  readonly type?: string;
  readonly headers?: Record<string, string>;
  readonly body?: Buffer;
}

/** Milliseconds until the whole answer is there, which may be long before the whole request is. */
async function timed({ url }: BenchServer, path: string, { agent, type, headers = {}, body }: Sent): Promise<number> {
  const started = performance.now();
  const isCall = type !== undefined;
  const sent = request(url + path, {
    agent,
    method: isCall ? 'POST' : 'GET',
    headers: isCall ? { ...wrong, ...headers, 'content-type': type } : {},
  });
  // A server that has answered may close the connection under what is left of the request.
  sent.on('error', () => undefined);
  sent.end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  for await (const chunk of response) if (!Buffer.isBuffer(chunk)) throw new Error('the answer is no bytes');
  const passed = performance.now() - started;
  if (![200, 401, 429].includes(response.statusCode ?? 0)) throw new Error(`${path} answered ${response.statusCode}`);
  return passed;
}

async function processorTicks(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /s, '').split(' ');
  return Number(fields[11]) + Number(fields[12]);
}
