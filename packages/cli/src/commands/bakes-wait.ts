import { setTimeout as delay } from 'node:timers/promises';
import { type Bake, parseDuration } from '@murmur/api';

import type { MurmurClient } from '../client/connect.js';
import { isWorthRetrying } from '../client/connection-faults.js';
import type { Context } from '../context.js';
import { defineCommand } from '../define-command.js';
import { CliError, usageError } from '../failure.js';
import { printBake } from '../output/bake-details.js';
import { exitCodeOf, renderEnd } from '../output/follow.js';
import { outputFlag, type OutputFlags } from '../output/output-flag.js';
import { textArgument } from '../parameters.js';

/** In the order in which a bake comes to them; `ended` is however it ended. */
const goals = ['launching', 'provisioning', 'capturing', 'registering', 'completed', 'ended'] as const;

type Goal = (typeof goals)[number];

type Flags = OutputFlags & {
  readonly recipe?: string;
  readonly for: Goal;
  readonly timeout?: number;
};

const pauseMs = 1000;

/** `murmur bakes wait`. */
export const command = defineCommand<Flags, [run?: string]>({
  usage: '[--for PHASE] [--timeout DURATION] <run> | --recipe <recipe>',
  description:
    'Waits until a bake has completed, through lost connections and restarts of the server. Exits 0 if it did, and 1 if it\nfailed, was cancelled, or took longer than the timeout. Ctrl-C only stops waiting.',
  examples: [
    { brief: 'Wait for a bake', line: 'murmur bakes wait 3f0c9a52' },
    { brief: 'Wait for the newest bake of a recipe, for half an hour', line: 'murmur bakes wait --recipe hello --timeout 30m' },
    { brief: 'Until its script runs', line: 'murmur bakes wait 3f0c9a52 --for provisioning' },
  ],
  parameters: {
    flags: {
      recipe: {
        kind: 'parsed',
        parse: String,
        optional: true,
        placeholder: 'NAME',
        brief: 'The newest bake of this recipe, instead of a run',
      },
      for: {
        kind: 'enum',
        values: goals,
        default: 'completed',
        brief: 'How far it must have come (default: completed); ended: however it ends',
      },
      timeout: {
        kind: 'parsed',
        parse: milliseconds,
        optional: true,
        placeholder: 'DURATION',
        brief: 'How long to wait, such as 30m (default: for ever)',
      },
      output: outputFlag,
    },
    aliases: { o: 'output' },
    positional: { kind: 'tuple', parameters: [{ ...textArgument('run', 'A run id, or the beginning of one'), optional: true }] },
  },
  completes: ['run'],
  async run(context, flags, run) {
    if ((run === undefined) === (flags.recipe === undefined)) {
      throw usageError('a run or --recipe is required, and not both', 'Write: murmur bakes wait RUN, or: murmur bakes wait --recipe NAME');
    }
    const client = await context.connect();
    const first = run === undefined ? await newestOf(client, flags.recipe ?? '') : (await client.getBake({ runId: run })).bake;
    if (first === undefined)
      throw new CliError('NOT_FOUND', `recipe "${flags.recipe ?? ''}" has no bake`, { hint: 'List them with: murmur bakes ls' });
    const bake = await waitFor(context, client, first, flags);
    if (bake === undefined) {
      context.exitCode = 130;
      return;
    }
    const format = flags.output ?? 'table';
    if (format !== 'table') await printBake(context, format, bake);
    else if (bake.endTime === undefined) context.stderr.write(`Phase: ${bake.phase}\n`);
    else context.stderr.write(renderEnd(bake));
    const isThere = flags.for === 'ended' ? bake.endTime !== undefined : bake.endTime === undefined;
    context.exitCode = isThere ? 0 : exitCodeOf(bake);
  },
});

async function newestOf(client: MurmurClient, recipe: string): Promise<Bake | undefined> {
  return (await client.listBakes({ recipe, pageSize: 1 })).bakes[0];
}

/** The bake when it has ended or come so far; undefined after Ctrl-C. Throws DEADLINE_EXCEEDED when that takes too long. */
async function waitFor(context: Context, client: MurmurClient, first: Bake, { for: goal, timeout }: Flags): Promise<Bake | undefined> {
  const signal = context.interruption();
  const until = timeout === undefined ? Infinity : performance.now() + timeout;
  let bake = first;
  let isLost = false;
  while (!hasCome(bake, goal)) {
    if (performance.now() >= until) {
      throw new CliError('DEADLINE_EXCEEDED', `bake "${bake.runId}" is still ${bake.waitsFor === '' ? bake.phase : bake.waitsFor}`, {
        hint: `It goes on. Follow it with: murmur bakes logs --follow ${bake.runId}`,
      });
    }
    try {
      await delay(Math.min(pauseMs, until - performance.now()), undefined, { signal });
      bake = (await client.getBake({ runId: bake.runId }, { signal })).bake ?? bake;
      isLost = false;
    } catch (thrown) {
      if (signal.aborted) return undefined;
      if (!isWorthRetrying(thrown)) throw thrown;
      if (!isLost) context.stderr.write('Connection to the server lost; trying again\n');
      isLost = true;
    }
  }
  return bake;
}

function hasCome({ endTime, phase }: Bake, goal: Goal): boolean {
  if (endTime !== undefined) return true;
  // What is queued, and whatever a newer server calls its steps, has come to none of them.
  const [reached, wanted] = [(goals as readonly string[]).indexOf(phase), goals.indexOf(goal)];
  return goal !== 'ended' && goal !== 'completed' && reached >= wanted;
}

function milliseconds(written: string): number {
  const nanoseconds = parseDuration(written);
  if (nanoseconds === undefined || nanoseconds < 0n) throw new SyntaxError('must be a duration such as 90s or 30m');
  return Number(nanoseconds / 1_000_000n);
}
