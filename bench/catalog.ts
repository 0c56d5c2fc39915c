// What calls cost in a catalog of 100,000 images and 10,000 recipes against one of 100 and 10: `npm run bench:catalog`.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { makeCallers, type TimedCall, timedCalls } from './catalog-calls.js';
import { type Call, caller, walk } from './catalog-client.js';
import { type CatalogSize, fillCatalog } from './catalog-fill.js';
import { forgetPeak, resident } from './catalog-memory.js';
import { murmur, runCommand } from './command.js';
import { type BenchServer, startServer } from './server.js';
import { median, medianRatio } from './statistics.js';

const { values } = parseArgs({ options: { runs: { type: 'string', default: '41' }, recipes: { type: 'string', default: '10000' } } });
const runs = Number(values.runs);
const sizes = { small: { recipes: 10 }, large: { recipes: Number(values.recipes) } };
/** How much dearer a call may be in the large catalog: the project's own limit. */
const costLimit = 2;
/** MiB by which a server that lists the large catalog may grow beyond one that lists the small one as often. */
const memoryLimit = 32;
/** MiB. With room to spare, Node would let garbage pile up and show nothing. */
const heap = 96;
const say = (text: string): void => void process.stdout.write(`${text}\n`);

interface Catalog {
  readonly size: CatalogSize;
  readonly server: BenchServer;
  readonly operator: Call;
  readonly calls: readonly TimedCall[];
}

const folder = await mkdtemp(join(tmpdir(), 'murmur-bench-'));
let kept = true;
try {
  const env = { NODE_OPTIONS: `--max-old-space-size=${heap}` };
  // Two servers side by side, whose calls take turns: what else the machine does weighs on both.
  await using small = await startServer(join(folder, 'small'), { env });
  await using large = await startServer(join(folder, 'large'), { env });
  const catalogs = { small: await openCatalog('small', small), large: await openCatalog('large', large) };
  kept = await compareCalls(catalogs.small, catalogs.large);
  kept = (await compareCommands(small, large)) && kept;
  kept = (await compareMemory(catalogs.small, catalogs.large)) && kept;
} finally {
  await rm(folder, { recursive: true, force: true });
}
process.exitCode = kept ? 0 : 1;

async function openCatalog(which: keyof typeof sizes, server: BenchServer): Promise<Catalog> {
  const size = sizes[which];
  const operator = caller(server, server.key);
  const began = performance.now();
  await fillCatalog(operator, join(folder, which), size);
  say(`${which}: ${size.recipes * 10} images and ${size.recipes} recipes, written in ${((performance.now() - began) / 1000).toFixed(1)} s`);
  const callers = await makeCallers(operator, (key) => caller(server, key));
  return { size, server, operator, calls: await timedCalls(callers, size) };
}

async function compareCalls(small: Catalog, large: Catalog): Promise<boolean> {
  const pairs = small.calls.map((call): { name: string; times: (readonly [number, number])[] } => ({ name: call.name, times: [] }));
  // The first rounds fill caches and are not counted.
  for (let round = -5; round < runs; round += 1) {
    for (const [index, { times }] of pairs.entries()) {
      const pair = await inTurn(
        round,
        () => timeOf(small.calls[index]),
        () => timeOf(large.calls[index]),
      );
      if (round >= 0) times.push([pair[1], pair[0]]);
    }
  }
  say(`\nMilliseconds a call takes, the medians of ${runs}: large, small, and the median of the ratios (at most ${costLimit})`);
  let isKept = true;
  for (const { name, times } of pairs) isKept = report(name, times) && isKept;
  return isKept;
}

/** The whole command as well, most of which is its start. */
async function compareCommands(small: BenchServer, large: BenchServer): Promise<boolean> {
  const times: (readonly [number, number])[] = [];
  const run = async (server: BenchServer) => {
    const { seconds } = await runCommand([process.execPath, murmur, 'get', 'image', 'base-5'], { env: server.env });
    return seconds * 1000;
  };
  for (let round = 0; round < 5; round += 1) {
    const [ofSmall, ofLarge] = await inTurn(
      round,
      () => run(small),
      () => run(large),
    );
    times.push([ofLarge, ofSmall]);
  }
  return report('murmur get image, the whole command', times);
}

async function compareMemory(small: Catalog, large: Catalog): Promise<boolean> {
  const pages = Math.ceil((large.size.recipes * 10) / 100);
  // As often the same page as the large catalog has pages.
  const again = async (): Promise<void> => {
    for (let page = 0; page < pages; page += 1) await small.operator('ListResources', { kind: 'image', pageSize: 100 });
  };
  say(`\nMiB of resident memory, with a JavaScript heap of ${heap} MiB`);
  const ofSmall = await growth(small.server.pid, again);
  say(`  one page, ${pages} times: ${ofSmall.text}`);
  const ofLarge = await growth(large.server.pid, async () => {
    const read = await walk(large.operator, 'image', 100);
    say(`  read ${read} images`);
  });
  say(`  ${pages} pages once: ${ofLarge.text}`);
  const widest = await growth(large.server.pid, async () => {
    await walk(large.operator, 'image', 1000);
  });
  say(`  pages of 1000: ${widest.text}`);
  return ofLarge.grown - ofSmall.grown <= memoryLimit;
}

async function growth(pid: number, work: () => Promise<void>): Promise<{ grown: number; text: string }> {
  await forgetPeak(pid);
  const before = await resident(pid);
  await work();
  const after = await resident(pid);
  const [from, peak, to] = [before.now, after.peak, after.now].map((size) => size.toFixed(0));
  return { grown: after.peak - before.now, text: `${from} before, ${peak} at most, ${to} after` };
}

function report(name: string, times: readonly (readonly [number, number])[]): boolean {
  const ratio = medianRatio(times);
  const middle = (side: 0 | 1): string =>
    median(times.map((pair) => pair[side]))
      .toFixed(2)
      .padStart(8);
  say(`  ${name.padEnd(46)}${middle(0)}${middle(1)}${ratio.toFixed(2).padStart(8)}${ratio > costLimit ? '  above the limit' : ''}`);
  return ratio <= costLimit;
}

async function timeOf(call: TimedCall | undefined): Promise<number> {
  const began = performance.now();
  await call?.run();
  return performance.now() - began;
}

/** Who goes first changes from round to round. */
async function inTurn<T>(round: number, one: () => Promise<T>, other: () => Promise<T>): Promise<readonly [T, T]> {
  if (round % 2 === 0) return [await one(), await other()];
  const second = await other();
  return [await one(), second];
}
