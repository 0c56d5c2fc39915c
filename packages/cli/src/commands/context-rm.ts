import { contextNamed, contextsFile, readContexts, writeContexts } from '../config/contexts.js';
import { defineCommand } from '../define-command.js';
import { textArgument } from '../parameters.js';

/** `murmur context rm`. */
export const command = defineCommand<NonNullable<unknown>, [name: string]>({
  usage: '<name>',
  description: 'Forgets a context. Keys and logins for its server stay until murmur auth logout.',
  examples: [{ brief: 'Forget one', line: 'murmur context rm prod' }],
  parameters: { positional: { kind: 'tuple', parameters: [textArgument('name', 'A context')] } },
  completes: ['context'],
  async run(context, _flags, name) {
    const file = contextsFile(context);
    const all = await readContexts(file);
    contextNamed(all, name);
    const { [name]: _, ...contexts } = all.contexts;
    await writeContexts(file, { contexts, ...(all.current === undefined || all.current === name ? {} : { current: all.current }) });
    context.stdout.write(`Removed context "${name}"\n`);
  },
});
