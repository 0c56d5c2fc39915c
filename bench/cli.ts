// How much slower than Node itself the command line starts: `npm run bench:cli`. The limits are the project's own.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { murmur, runCommand } from './command.js';
import { startServer } from './server.js';
import { median, medianRatio } from './statistics.js';

const { values } = parseArgs({ options: { runs: { type: 'string', default: '21' } } });
const runs = Number(values.runs);
const nothing = [process.execPath, '-e', '0'] as const;

const dataDir = await mkdtemp(join(tmpdir(), 'murmur-bench-'));
let kept = true;
try {
  await using server = await startServer(dataDir);
  kept = await compare('murmur --help', [process.execPath, murmur, '--help'], server.env, 2);
  kept = (await compare('murmur get recipe', [process.execPath, murmur, 'get', 'recipe'], server.env, 4)) && kept;
} finally {
  await rm(dataDir, { recursive: true, force: true });
}
process.exitCode = kept ? 0 : 1;

async function compare(name: string, command: readonly [string, ...string[]], env: NodeJS.ProcessEnv, limit: number): Promise<boolean> {
  const pairs: (readonly [number, number])[] = [];
  // The first run of each fills caches and is not counted.
  for (let run = 0; run <= runs; run += 1) {
    const { seconds: ours } = await runCommand(command, { env });
    const { seconds: theirs } = await runCommand(nothing);
    if (run > 0) pairs.push([ours, theirs]);
  }
  const ratio = medianRatio(pairs);
  const milliseconds = (side: 0 | 1) => `${(median(pairs.map((pair) => pair[side])) * 1000).toFixed(0)} ms`;
  process.stdout.write(
    `${name}: ${ratio.toFixed(2)} times node -e 0 (${milliseconds(0)} and ${milliseconds(1)}; at most ${limit} times; ${runs} pairs)\n`,
  );
  return ratio <= limit;
}
