import { defineCommand } from '../define-command.js';
import { textArgument } from '../parameters.js';

/** `murmur secret rm`. */
export const command = defineCommand<NonNullable<unknown>, [name: string]>({
  usage: '<name>',
  description:
    'Deletes a secret and its value, for good. A running bake keeps what it started with; what else refers to the secret keeps\nit from being deleted.',
  examples: [{ brief: 'Delete a secret', line: 'murmur secret rm NPM_TOKEN' }],
  parameters: { positional: { kind: 'tuple', parameters: [textArgument('name', 'The name of the secret')] } },
  completes: ['secret'],
  async run(context, _flags, name) {
    const client = await context.connect();
    await client.removeResource({ kind: 'secret', name });
    context.stdout.write(`Deleted secret "${name}"\n`);
  },
});
