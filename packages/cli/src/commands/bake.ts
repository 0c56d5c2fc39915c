import { StartBakeResponse_Outcome, StartBakeResponseSchema } from '@murmur/api';

import { defineCommand } from '../define-command.js';
import { usageError } from '../failure.js';
import { readVariables } from '../input/variables.js';
import { renderOutcome } from '../output/bake-outcome.js';
import { renderEnd, watchBake } from '../output/follow.js';
import { outputFlag, type OutputFlags } from '../output/output-flag.js';
import { textArgument } from '../parameters.js';

type Flags = OutputFlags & {
  readonly forceNew: boolean;
  readonly serviceProfile?: string;
  readonly env?: readonly string[];
  readonly wait: boolean;
  readonly keepOnFailure?: string;
};

/** `murmur bake`. */
export const command = defineCommand<Flags, [recipe: string, environment: string, placement: string]>({
  usage: '[flags] <recipe> <environment> <placement>',
  description:
    'Bakes a recipe into an image: boots a scratch machine, runs the recipe there, and registers what comes out.\nAnswers at once; the bake runs on the server. An image that exists already, or is being baked, is not baked again.',
  examples: [
    { brief: 'Bake, and watch until the image is there', line: 'murmur bake --wait hello murmur-qemu-small murmur-qemu-local' },
    { brief: 'Bake afresh although an image exists', line: 'murmur bake --force-new my-recipe staging us-central1' },
    {
      brief: 'Pass secrets: one from this environment, one from the line',
      line: 'murmur bake -e NPM_TOKEN -e ARTIFACTORY_URL=https://registry.example.com my-recipe staging us-central1',
    },
    { brief: 'Look at the machine when the script fails', line: 'murmur bake --wait --keep-on-failure 30m my-recipe staging us-central1' },
  ],
  parameters: {
    flags: {
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
      wait: { kind: 'boolean', default: false, withNegated: false, brief: 'Follow the bake to its end; exit 0 only if it completed' },
      keepOnFailure: {
        kind: 'parsed',
        parse: String,
        optional: true,
        placeholder: 'DURATION',
        brief: 'Leave a failed machine up this long, such as 30m (at most 24h)',
      },
      output: outputFlag,
    },
    aliases: { e: 'env', o: 'output' },
    positional: {
      kind: 'tuple',
      parameters: [
        textArgument('recipe', 'The recipe to bake'),
        textArgument('environment', 'The shape of the scratch machine'),
        textArgument('placement', 'Where to bake'),
      ],
    },
  },
  completes: ['recipe', 'environment', 'placement'],
  async run(context, flags, recipe, environment, placement) {
    const written = flags.env ?? [];
    if (flags.serviceProfile !== undefined && written.length > 0) {
      throw usageError('--service-profile and -e are mutually exclusive', 'Use one or the other, not both.');
    }
    const variables = readVariables(written, context.env);
    const client = await context.connect();
    const response = await client.startBake({
      recipe,
      environment,
      placement,
      variables,
      forceNew: flags.forceNew,
      serviceProfile: flags.serviceProfile ?? '',
      keepOnFailure: flags.keepOnFailure ?? '',
    });
    if (flags.output === undefined || flags.output === 'table') context.stdout.write(renderOutcome(response));
    else {
      const { messageToDocument, renderDocument } = await import('../output/document.js');
      context.stdout.write(renderDocument(flags.output, messageToDocument(StartBakeResponseSchema, response)));
    }
    if (response.outcome === StartBakeResponse_Outcome.CACHED || response.runId === '') return;
    if (!flags.wait) {
      context.stderr.write(`Follow with: murmur bakes logs --follow ${response.runId}\n`);
      return;
    }
    const watched = await watchBake(context, client, { runId: response.runId, log: context.stderr, mode: 'follow' });
    if (watched.ended === 'detached') {
      context.exitCode = 130;
      return;
    }
    const bake = watched.bake ?? (await client.getBake({ runId: response.runId })).bake;
    if (bake !== undefined) context.stderr.write(renderEnd(bake));
    if (bake?.phase !== 'completed') context.exitCode = 1;
  },
});
