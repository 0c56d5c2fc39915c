// Bakes a script that does nothing with Murmur and with `docker build` in turn and prints the ratio: `npm run bench:docker`.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { murmur, runCommand } from '../command.js';
import { startServer } from '../server.js';
import { median, medianRatio } from '../statistics.js';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '7' }, socket: { type: 'string', default: '/var/run/docker.sock' } },
});
const say = (text: string): void => void process.stdout.write(`${text}\n`);
const script = '#!/bin/sh\ntrue\n';
const place = ['murmur-docker-small', 'murmur-docker-local'] as const;
const docker = ['docker', '--host', `unix://${values.socket}`] as const;

const folder = await mkdtemp(join(tmpdir(), 'murmur-bench-'));
try {
  const dataDir = join(folder, 'data');
  await mkdir(dataDir, { mode: 0o700 });
  const substrates = { qemu: { enabled: false }, docker: { socket: values.socket } };
  await writeFile(join(dataDir, 'server.yaml'), JSON.stringify({ substrates }), { mode: 0o600 });
  await using server = await startServer(dataDir);
  say('The platform base image …');
  await runCommand([murmur, 'base', 'build', '--substrate', 'docker'], { env: server.env });
  if (!(await compare(server.env))) process.exitCode = 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function compare(env: NodeJS.ProcessEnv): Promise<boolean> {
  const { stdout } = await runCommand([murmur, 'get', 'image', 'murmur-docker-base', '-o', 'json'], { env });
  const base = (JSON.parse(stdout) as { docker: { image_ref: string } }).docker.image_ref;
  const recipe = { name: 'nothing', base_image_docker_ref: 'murmur-docker-base', provisioning_script: script, provisioning_timeout: '5m' };
  await runCommand([murmur, 'set', 'recipe', 'nothing'], { env, stdin: JSON.stringify(recipe) });
  const context = join(folder, 'context');
  await mkdir(context);
  await writeFile(join(context, 'script'), script, { mode: 0o755 });
  await writeFile(join(context, 'Dockerfile'), `FROM ${base}\nCOPY script /script\nRUN /script\n`);

  const ours = async () => (await runCommand([murmur, 'bake', '--wait', '--force-new', 'nothing', ...place], { env })).seconds;
  const builder = { env: { DOCKER_BUILDKIT: '0' } };
  const theirs = async () => {
    const { seconds, stdout: id } = await runCommand([...docker, 'build', '--no-cache', '--quiet', context], builder);
    await runCommand([...docker, 'rmi', id.trim()]);
    return seconds;
  };
  await ours();
  const pairs: (readonly [number, number])[] = [];
  for (let round = 0; round < Number(values.rounds); round += 1) {
    // Who goes first changes, so that neither always finds the caches the other filled.
    const first = round % 2 === 0;
    const before = first ? await ours() : await theirs();
    const after = first ? await theirs() : await ours();
    const pair = first ? ([before, after] as const) : ([after, before] as const);
    pairs.push(pair);
    say(`  round ${round + 1}   Murmur ${pair[0].toFixed(2)} s   docker build ${pair[1].toFixed(2)} s   ${(pair[0] / pair[1]).toFixed(2)}`);
  }
  const ratio = medianRatio(pairs);
  say(
    `  median    Murmur ${median(pairs.map(([one]) => one)).toFixed(2)} s   docker build ${median(pairs.map(([, other]) => other)).toFixed(2)} s   ratio ${ratio.toFixed(2)}`,
  );
  const { stdout: shown } = await runCommand([murmur, 'bakes', 'ls', '-o', 'json'], { env });
  const [{ run_id }] = JSON.parse(shown) as [{ run_id: string }];
  const { stdout: run } = await runCommand([murmur, 'bakes', 'show', run_id, '-o', 'json'], { env });
  for (const { seconds, step } of (JSON.parse(run) as { steps: { step: string; seconds: number }[] }).steps)
    say(`    ${step.padEnd(12)}${seconds.toFixed(2)} s`);
  const { stdout: images } = await runCommand([murmur, 'get', 'image', '-o', 'json'], { env });
  const baked = (JSON.parse(images) as { docker?: { image_ref: string; provenance?: unknown } }[]).flatMap((image) =>
    image.docker?.provenance === undefined ? [] : [image.docker.image_ref],
  );
  await runCommand([...docker, 'rmi', '--force', ...baked]);
  return ratio <= 1;
}
