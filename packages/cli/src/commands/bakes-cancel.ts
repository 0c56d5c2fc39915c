import { defineCommand } from '../define-command.js';
import { printBake } from '../output/bake-details.js';
import { outputFlag, type OutputFlags } from '../output/output-flag.js';
import { textArgument } from '../parameters.js';

/** `murmur bakes cancel`. */
export const command = defineCommand<OutputFlags, [run: string]>({
  usage: '[flags] <run>',
  description: 'Stops a running bake. Its scratch machine and all that belongs to it are removed.',
  examples: [{ brief: 'Stop a bake', line: 'murmur bakes cancel 3f0c9a52' }],
  parameters: {
    flags: { output: outputFlag },
    aliases: { o: 'output' },
    positional: { kind: 'tuple', parameters: [textArgument('run', 'A run id, or the beginning of one')] },
  },
  completes: ['run'],
  async run(context, flags, runId) {
    const client = await context.connect();
    const { bake } = await client.cancelBake({ runId });
    if (flags.output === undefined || flags.output === 'table') context.stdout.write(`Cancelled bake "${bake?.runId ?? runId}"\n`);
    else await printBake(context, flags.output, bake);
  },
});
