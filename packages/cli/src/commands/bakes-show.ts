import { defineCommand } from '../define-command.js';
import { printBake } from '../output/bake-details.js';
import { outputFlag, type OutputFlags } from '../output/output-flag.js';
import { textArgument } from '../parameters.js';

/** `murmur bakes show`. */
export const command = defineCommand<OutputFlags, [run: string]>({
  usage: '[flags] <run>',
  description: 'Shows one bake: its inputs, where it stands, what went wrong, and how long each step took.',
  examples: [
    { brief: 'Look at a bake', line: 'murmur bakes show 3f0c9a52' },
    { brief: 'Only its phase', line: 'murmur bakes show 3f0c9a52 -o json | jq -r .phase' },
  ],
  parameters: {
    flags: { output: outputFlag },
    aliases: { o: 'output' },
    positional: { kind: 'tuple', parameters: [textArgument('run', 'A run id, or the beginning of one')] },
  },
  completes: ['run'],
  async run(context, flags, runId) {
    const client = await context.connect();
    const { bake } = await client.getBake({ runId });
    await printBake(context, flags.output, bake);
  },
});
