import { withKindHint } from '../client/kinds.js';
import { defineCommand } from '../define-command.js';
import { CliError, usageError } from '../failure.js';
import { filesAliases, filesFlags, readSources, type SourceDocument } from '../input/apply-sources.js';
import { readTargets, type Target } from '../input/targets.js';
import { ifGenerationFlag, type IfGenerationFlags, ifGenerationOf } from '../parameters.js';

type Flags = IfGenerationFlags & {
  readonly file?: readonly string[];
  readonly recursive: boolean;
};

/** `murmur rm`. */
export const command = defineCommand<Flags, string[]>({
  usage: '[flags] <kind> <name>… | <kind>/<name>… | -f <FILE|FOLDER|->…',
  description: 'Deletes a resource. What others refer to cannot be deleted; its earlier generations stay readable with `murmur history`.',
  examples: [
    { brief: 'Delete a recipe', line: 'murmur rm recipe hello' },
    { brief: 'Delete several', line: 'murmur rm recipe/hello image/my-base' },
    { brief: 'Delete what files describe', line: 'murmur rm -f catalog/' },
    { brief: 'Only if nobody has changed it since generation 3', line: 'murmur rm recipe hello --if-generation 3' },
    { brief: 'Bring back what was deleted in generation 4', line: 'murmur get recipe hello --generation 3 | murmur set recipe hello' },
  ],
  parameters: {
    flags: { ifGeneration: ifGenerationFlag, ...filesFlags },
    aliases: filesAliases,
    positional: { kind: 'array', parameter: { parse: String, placeholder: 'kind', brief: 'A kind and names, or kind/name' } },
  },
  completes: ['kind', 'name'],
  async run(context, flags, ...words) {
    if (flags.file !== undefined && words.length > 0)
      throw usageError('-f and resources are mutually exclusive', 'Name resources, or files.');
    const targets = flags.file === undefined ? readTargets(words) : await targetsIn(await readSources(context, flags.file, flags));
    if (targets.length === 0) throw usageError(`<${words.length === 0 ? 'kind' : 'name'}> is required`, 'Write: murmur rm KIND NAME');
    if (targets.length > 1 && flags.ifGeneration !== undefined)
      throw usageError('--if-generation is about one resource', 'Delete them one by one.');
    const client = await context.connect();
    for (const { kind, name } of targets) {
      await withKindHint(kind, client.removeResource({ kind, name, ...ifGenerationOf(flags) }));
      context.stdout.write(`Deleted ${kind} "${name}"\n`);
    }
  },
});

/** In the order of a catalog: what refers to others comes after them. */
const order = ['secret', 'placement', 'environment', 'image', 'recipe', 'workspace', 'group', 'role', 'service-profile', 'tenant-binding'];

/** What documents are about, those that refer to others first: what is referred to cannot be deleted. */
async function targetsIn(documents: readonly SourceDocument[]): Promise<Target[]> {
  const { readDocument } = await import('@murmur/api');
  const targets = documents.map(({ line, origin, text }) => {
    const { kind, name } = readDocument(text, { firstLine: Math.max(1, line) });
    if (typeof kind === 'string' && typeof name === 'string') return { kind, name };
    throw new CliError('INVALID_ARGUMENT', `${origin}: kind and name are required`);
  });
  return targets.toSorted((a, b) => order.indexOf(b.kind) - order.indexOf(a.kind));
}
