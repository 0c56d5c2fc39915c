import { withKindHint } from '../client/kinds.js';
import { defineCommand } from '../define-command.js';
import { ifGenerationFlag, type IfGenerationFlags, ifGenerationOf, textArgument } from '../parameters.js';

/** `murmur rm`. */
export const command = defineCommand<IfGenerationFlags, [kind: string, name: string]>({
  usage: '[flags] <kind> <name>',
  description: 'Deletes a resource. What others refer to cannot be deleted; its earlier generations stay readable with `murmur history`.',
  examples: [
    { brief: 'Delete a recipe', line: 'murmur rm recipe hello' },
    { brief: 'Only if nobody has changed it since generation 3', line: 'murmur rm recipe hello --if-generation 3' },
    { brief: 'Bring back what was deleted in generation 4', line: 'murmur get recipe hello --generation 3 | murmur set recipe hello' },
  ],
  parameters: {
    flags: { ifGeneration: ifGenerationFlag },
    positional: { kind: 'tuple', parameters: [textArgument('kind', 'The kind of the resource'), textArgument('name', 'Its name')] },
  },
  completes: ['kind', 'name'],
  async run(context, flags, kind, name) {
    const client = await context.connect();
    await withKindHint(kind, client.removeResource({ kind, name, ...ifGenerationOf(flags) }));
    context.stdout.write(`Deleted ${kind} "${name}"\n`);
  },
});
