import { defineCommand } from '../define-command.js';
import { textArgument } from '../parameters.js';
import { startAndWatch, startFlags, type StartFlags } from './start-bake.js';

/** `murmur bakes again`. */
export const command = defineCommand<StartFlags, [run: string]>({
  usage: '[flags] <run>',
  description:
    'Bakes what an earlier bake was about: its recipe as it is now, its environment and its placement. Variables that the\nearlier bake was given were forgotten with it; give them again with -e.',
  examples: [
    { brief: 'Once the recipe is mended', line: 'murmur bakes again --wait 3f0c9a52' },
    { brief: 'With a fresh image, although there is one', line: 'murmur bakes again --force-new 3f0c9a52' },
  ],
  parameters: {
    flags: startFlags,
    aliases: { e: 'env', o: 'output' },
    positional: { kind: 'tuple', parameters: [textArgument('run', 'A run id, or the beginning of one')] },
  },
  completes: ['run'],
  async run(context, flags, runId) {
    await startAndWatch(context, flags, async (client) => {
      const { bake } = await client.getBake({ runId });
      return { recipe: bake?.recipe ?? '', environment: bake?.environment ?? '', placement: bake?.placement ?? '' };
    });
  },
});
