import { defineCommand } from '../define-command.js';
import { renderEnd, watchBake } from '../output/follow.js';
import { textArgument } from '../parameters.js';

type Flags = {
  readonly follow: boolean;
};

/** `murmur bakes logs`. */
export const command = defineCommand<Flags, [run: string]>({
  usage: '[--follow] <run>',
  description:
    "Prints a bake's log on standard output. With --follow, goes on until the bake ends, through lost connections and\nrestarts of the server. Ctrl-C only stops watching.",
  examples: [
    { brief: 'What a bake has printed so far', line: 'murmur bakes logs 3f0c9a52' },
    { brief: 'Watch a running bake', line: 'murmur bakes logs --follow 3f0c9a52' },
  ],
  parameters: {
    flags: { follow: { kind: 'boolean', default: false, withNegated: false, brief: 'Go on until the bake ends' } },
    aliases: { f: 'follow' },
    positional: { kind: 'tuple', parameters: [textArgument('run', 'A run id, or the beginning of one')] },
  },
  completes: ['run'],
  async run(context, flags, runId) {
    const client = await context.connect();
    // From here on an unreachable server is waited for; one that was never there is an error at once.
    const { bake } = await client.getBake({ runId });
    const watched = await watchBake(context, client, {
      runId: bake?.runId ?? runId,
      log: context.stdout,
      mode: flags.follow ? 'follow' : 'print',
    });
    if (watched.ended === 'detached') context.exitCode = 130;
    else if (flags.follow && watched.bake !== undefined) context.stderr.write(renderEnd(watched.bake));
  },
});
