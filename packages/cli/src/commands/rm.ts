import { withKindHint } from '../client/kinds.js';
import { defineCommand } from '../define-command.js';
import { usageError } from '../failure.js';
import { readTargets } from '../input/targets.js';
import { ifGenerationFlag, type IfGenerationFlags, ifGenerationOf } from '../parameters.js';

/** `murmur rm`. */
export const command = defineCommand<IfGenerationFlags, string[]>({
  usage: '[flags] <kind> <name>… | <kind>/<name>…',
  description: 'Deletes a resource. What others refer to cannot be deleted; its earlier generations stay readable with `murmur history`.',
  examples: [
    { brief: 'Delete a recipe', line: 'murmur rm recipe hello' },
    { brief: 'Delete several', line: 'murmur rm recipe/hello image/my-base' },
    { brief: 'Only if nobody has changed it since generation 3', line: 'murmur rm recipe hello --if-generation 3' },
    { brief: 'Bring back what was deleted in generation 4', line: 'murmur get recipe hello --generation 3 | murmur set recipe hello' },
  ],
  parameters: {
    flags: { ifGeneration: ifGenerationFlag },
    positional: { kind: 'array', parameter: { parse: String, placeholder: 'kind', brief: 'A kind and names, or kind/name' }, minimum: 1 },
  },
  completes: ['kind', 'name'],
  async run(context, flags, ...words) {
    const targets = readTargets(words);
    if (targets.length === 0) throw usageError('<name> is required', 'Write: murmur rm KIND NAME');
    if (targets.length > 1 && flags.ifGeneration !== undefined)
      throw usageError('--if-generation is about one resource', 'Delete them one by one.');
    const client = await context.connect();
    for (const { kind, name } of targets) {
      await withKindHint(kind, client.removeResource({ kind, name, ...ifGenerationOf(flags) }));
      context.stdout.write(`Deleted ${kind} "${name}"\n`);
    }
  },
});
