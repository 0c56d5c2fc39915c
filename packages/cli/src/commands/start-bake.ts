import { type Bake, BakeSchema, type StartBakeResponse, StartBakeResponse_Outcome, StartBakeResponseSchema } from '@murmur/api';

import type { MurmurClient } from '../client/connect.js';
import type { Context } from '../context.js';
import { usageError } from '../failure.js';
import { readVariables } from '../input/variables.js';
import { renderOutcome } from '../output/bake-outcome.js';
import { exitCodeOf, renderEnd, watchBake } from '../output/follow.js';
import { outputFlag, type OutputFlags, type OutputFormat } from '../output/output-flag.js';

/** What a command with {@link startFlags} receives. */
export type StartFlags = OutputFlags & {
  readonly forceNew: boolean;
  readonly serviceProfile?: string;
  readonly env?: readonly string[];
  readonly plan: boolean;
  readonly wait: boolean;
  readonly keepOnFailure?: string;
};

/** The flags of commands that start a bake. */
export const startFlags = {
  forceNew: { kind: 'boolean', default: false, withNegated: false, brief: 'Skip the cache and always run a fresh bake' },
  serviceProfile: {
    kind: 'parsed',
    parse: String,
    optional: true,
    placeholder: 'NAME',
    brief: 'The service profile whose credentials to use; GitHub App tenants only, not with -e',
  },
  env: {
    kind: 'parsed',
    parse: String,
    variadic: true,
    optional: true,
    placeholder: 'NAME[=value]',
    brief: 'Forward an environment variable to the bake as a secret; repeatable, not with --service-profile',
  },
  plan: { kind: 'boolean', default: false, withNegated: false, brief: 'Say what would become of the bake, and start nothing' },
  wait: { kind: 'boolean', default: false, withNegated: false, brief: 'Follow the bake to its end; exit 0 only if it completed' },
  keepOnFailure: {
    kind: 'parsed',
    parse: String,
    optional: true,
    placeholder: 'DURATION',
    brief: 'Leave a failed machine up this long, such as 30m (at most 24h)',
  },
  output: outputFlag,
} as const;

/** What to bake, by its names. */
export interface BakeInputs {
  readonly recipe: string;
  readonly environment: string;
  readonly placement: string;
}

/** Starts a bake, and follows it to its end if that is asked for. */
export async function startAndWatch(
  context: Context,
  flags: StartFlags,
  what: (client: MurmurClient) => Promise<BakeInputs>,
): Promise<void> {
  const written = flags.env ?? [];
  if (flags.serviceProfile !== undefined && written.length > 0) {
    throw usageError('--service-profile and -e are mutually exclusive', 'Use one or the other, not both.');
  }
  const variables = readVariables(written, context.env);
  const client = await context.connect();
  const response = await client.startBake({
    ...(await what(client)),
    variables,
    forceNew: flags.forceNew,
    serviceProfile: flags.serviceProfile ?? '',
    keepOnFailure: flags.keepOnFailure ?? '',
    planOnly: flags.plan,
  });
  const isOver = response.outcome === StartBakeResponse_Outcome.CACHED || response.runId === '';
  if (isOver || !flags.wait) {
    await printAnswer(context, flags.output, response, undefined);
    if (!isOver) context.stderr.write(`Follow with: murmur bakes logs --follow ${response.runId}\n`);
    return;
  }
  // A program that waits gets one document, when all is known; whoever cancels it needs the run before.
  const isForPrograms = flags.output !== undefined && flags.output !== 'table';
  if (isForPrograms) context.stderr.write(`Run: ${response.runId}\n`);
  else await printAnswer(context, flags.output, response, undefined);
  const watched = await watchBake(context, client, { runId: response.runId, log: context.stderr, mode: 'follow' });
  if (watched.ended === 'detached') {
    context.exitCode = 130;
    return;
  }
  const bake = watched.bake ?? (await client.getBake({ runId: response.runId })).bake;
  if (bake !== undefined) context.stderr.write(renderEnd(bake));
  if (isForPrograms) await printAnswer(context, flags.output, response, bake);
  context.exitCode = exitCodeOf(bake);
}

async function printAnswer(
  context: Context,
  format: OutputFormat | undefined,
  response: StartBakeResponse,
  bake: Bake | undefined,
): Promise<void> {
  if (format === undefined || format === 'table') {
    context.stdout.write(renderOutcome(response));
    return;
  }
  const { messageToDocument, renderDocument } = await import('../output/document.js');
  const answer = messageToDocument(StartBakeResponseSchema, response);
  context.stdout.write(renderDocument(format, bake === undefined ? answer : { ...answer, ...messageToDocument(BakeSchema, bake) }));
}
