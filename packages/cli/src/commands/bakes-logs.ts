import { defineCommand } from '../define-command.js';
import { exitCodeOf, renderEnd, watchBake } from '../output/follow.js';
import { textArgument } from '../parameters.js';

type Flags = {
  readonly follow: boolean;
  readonly raw: boolean;
};

/** `murmur bakes logs`. */
export const command = defineCommand<Flags, [run: string]>({
  usage: '[--follow] [--raw] <run>',
  description:
    "Prints a bake's log on standard output. With --follow, goes on until the bake ends, through lost connections and\nrestarts of the server, and exits 0 only if it completed. Ctrl-C only stops watching. On a terminal, colours and whatever else in the log would control it are\nshown as text, such as ^[[31m, unless --raw is given; a file or another program gets the log as it is.",
  examples: [
    { brief: 'What a bake has printed so far', line: 'murmur bakes logs 3f0c9a52' },
    { brief: 'Watch a running bake', line: 'murmur bakes logs --follow 3f0c9a52' },
    { brief: 'With the colours of a script you trust', line: 'murmur bakes logs --raw 3f0c9a52' },
  ],
  parameters: {
    flags: {
      follow: { kind: 'boolean', default: false, withNegated: false, brief: 'Go on until the bake ends' },
      raw: { kind: 'boolean', default: false, withNegated: false, brief: 'Let the log control the terminal' },
    },
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
      log: flags.raw ? { write: (chunk) => context.stdout.writeRaw(chunk) } : context.stdout,
      mode: flags.follow ? 'follow' : 'print',
    });
    if (watched.ended === 'detached') context.exitCode = 130;
    else if (flags.follow && watched.bake !== undefined) {
      context.stderr.write(renderEnd(watched.bake));
      context.exitCode = exitCodeOf(watched.bake);
    }
  },
});
