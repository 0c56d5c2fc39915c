import { withKindHint } from '../client/kinds.js';
import { defineCommand } from '../define-command.js';
import { textArgument } from '../parameters.js';

/** `murmur rm`. */
export const command = defineCommand<NonNullable<unknown>, [kind: string, name: string]>({
  usage: '<kind> <name>',
  description: 'Deletes a resource. What others refer to cannot be deleted; its earlier generations stay readable with `murmur history`.',
  examples: [{ brief: 'Delete a recipe', line: 'murmur rm recipe hello' }],
  parameters: {
    positional: { kind: 'tuple', parameters: [textArgument('kind', 'The kind of the resource'), textArgument('name', 'Its name')] },
  },
  completes: ['kind', 'name'],
  async run(context, _flags, kind, name) {
    const client = await context.connect();
    await withKindHint(kind, client.removeResource({ kind, name }));
    context.stdout.write(`Deleted ${kind} "${name}"\n`);
  },
});
