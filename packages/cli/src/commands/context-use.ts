import { contextNamed, contextsFile, readContexts, writeContexts } from '../config/contexts.js';
import { defineCommand } from '../define-command.js';
import { textArgument } from '../parameters.js';

/** `murmur context use`. */
export const command = defineCommand<NonNullable<unknown>, [name: string]>({
  usage: '<name>',
  description:
    'Makes a context the one that commands use. A flag, a variable (MURMUR_SERVER, MURMUR_CONTEXT) and a project that names a\nserver go before it; --context uses another one once.',
  examples: [{ brief: 'From now on', line: 'murmur context use prod' }],
  parameters: { positional: { kind: 'tuple', parameters: [textArgument('name', 'A context')] } },
  completes: ['context'],
  async run(context, _flags, name) {
    const file = contextsFile(context);
    const contexts = await readContexts(file);
    const { server } = contextNamed(contexts, name);
    await writeContexts(file, { ...contexts, current: name });
    context.stdout.write(`Using context "${name}", ${server}\n`);
  },
});
