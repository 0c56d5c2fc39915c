// Bakes the same scripts with Murmur and with Packer in turn and prints the ratio: `npm run bench:packer`.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { murmur, runCommand } from '../command.js';
import { startServer } from '../server.js';
import { median, medianRatio } from '../statistics.js';
import type { BakeTimes } from './bake-times.js';
import { describeJob } from './job.js';
import { bakeWithMurmur, setRecipe } from './murmur-bake.js';
import { bakeWithPacker } from './packer-bake.js';

const scripts: Readonly<Record<string, string>> = {
  nothing: '#!/bin/sh\ntrue\n',
  apt: '#!/bin/sh\nset -e\nexport DEBIAN_FRONTEND=noninteractive\napt-get update\napt-get install -y --no-install-recommends ripgrep\n',
};

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    'data-dir': { type: 'string' },
    script: { type: 'string', multiple: true, default: Object.keys(scripts) },
  },
});
const say = (text: string): void => void process.stdout.write(`${text}\n`);

const folder = await mkdtemp(join(tmpdir(), 'murmur-bench-'));
try {
  const dataDir = values['data-dir'] ?? join(folder, 'data');
  await using server = await startServer(dataDir);
  say('The platform base image …');
  await runCommand([murmur, 'base', 'build'], { env: server.env });
  for (const name of values.script) await compare(name, dataDir, server.env);
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function compare(name: string, dataDir: string, env: NodeJS.ProcessEnv): Promise<void> {
  const script = scripts[name];
  if (script === undefined) throw new RangeError(`there is no script "${name}"; there are ${Object.keys(scripts).join(', ')}`);
  const work = join(folder, name);
  await runCommand(['mkdir', '-p', work]);
  const file = join(folder, `${name}.sh`);
  await writeFile(file, script, { mode: 0o755 });
  await setRecipe(`bench-${name}`, script, env);
  say(`\nScript "${name}", ${values.rounds} rounds`);
  // The first bake probes the accelerator and fills the page cache; it is not counted.
  await bakeWithMurmur(`bench-${name}`, env);
  const job = await describeJob({ dataDir, folder: work, script: file, env });
  const pairs: (readonly [BakeTimes, BakeTimes])[] = [];
  for (let round = 0; round < Number(values.rounds); round += 1) {
    const ours = () => bakeWithMurmur(`bench-${name}`, env);
    const theirs = () => bakeWithPacker(job, work);
    // Who goes first changes, so that neither always finds the caches the other filled.
    const pair = round % 2 === 0 ? await inTurn(ours, theirs) : (await inTurn(theirs, ours)).toReversed();
    const [murmurs, packers] = pair as [BakeTimes, BakeTimes];
    pairs.push([murmurs, packers]);
    say(`  ${row(`round ${round + 1}`, murmurs.total, packers.total, murmurs.total / packers.total)}`);
  }
  say(
    `\n  ${'median'.padEnd(12)}${'Murmur'.padStart(9)}${'Packer'.padStart(9)}   ratio   (${job.accelerator}, ${job.vcpus} vCPU, ${job.memoryMb} MiB)`,
  );
  for (const part of ['boot', 'script', 'capture', 'total'] as const) {
    const of = (side: 0 | 1) => pairs.map((pair) => pair[side][part]);
    say(`  ${row(part, median(of(0)), median(of(1)), medianRatio(pairs.map(([one, other]) => [one[part], other[part]] as const)))}`);
  }
}

async function inTurn<T>(first: () => Promise<T>, second: () => Promise<T>): Promise<T[]> {
  return [await first(), await second()];
}

function row(label: string, murmurs: number, packers: number, ratio: number): string {
  const seconds = (value: number) => `${value.toFixed(1)} s`.padStart(9);
  return `${label.padEnd(12)}${seconds(murmurs)}${seconds(packers)}   ${ratio.toFixed(2)}`;
}
