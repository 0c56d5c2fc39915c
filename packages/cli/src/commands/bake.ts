import { defineCommand } from '../define-command.js';
import { textArgument } from '../parameters.js';
import { startAndWatch, startFlags, type StartFlags } from './start-bake.js';

/** `murmur bake`. */
export const command = defineCommand<StartFlags, [recipe: string, environment: string, placement: string]>({
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
    flags: startFlags,
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
    await startAndWatch(context, flags, async () => ({ recipe, environment, placement }));
  },
});
