import { kindArgument, withKindHint } from '../client/kinds.js';
import { type GenerationText, newestGeneration, readGeneration } from '../client/read-generation.js';
import { defineCommand } from '../define-command.js';
import { usageError } from '../failure.js';
import { filesAliases, filesFlags } from '../input/apply-sources.js';
import { printDiff } from '../output/print-diff.js';
import { textArgument, wholeNumber } from '../parameters.js';

type Flags = {
  readonly exitCode: boolean;
  readonly file?: readonly string[];
  readonly recursive: boolean;
};

const generation = { parse: wholeNumber(0, Number.MAX_SAFE_INTEGER), optional: true } as const;

/** `murmur diff`. */
export const command = defineCommand<Flags, [kind?: string, name?: string, from?: number, to?: number]>({
  usage: '[--exit-code] <kind> <name> [<from> [<to>]] | -f <FILE|FOLDER|->…',
  description:
    'Compares two generations of a resource, line by line: the newest with the one before, or with the one given, or two given\n' +
    'ones. A deleted resource has no lines, and neither has generation 0. `murmur history` lists the generations.\n' +
    'With -f, compares the server with files as `murmur apply` reads them: what applying them would change, and which resources\n' +
    'of the kinds in them are on the server only.',
  examples: [
    { brief: 'What the last change did', line: 'murmur diff recipe hello' },
    { brief: 'What has changed since generation 2', line: 'murmur diff recipe hello 2' },
    { brief: 'Between two generations', line: 'murmur diff recipe hello 1 3' },
    { brief: 'What applying a folder of files would change', line: 'murmur diff -f catalog/' },
    { brief: 'Go back to an earlier generation', line: 'murmur get recipe hello --generation 2 | murmur set recipe hello' },
  ],
  parameters: {
    flags: {
      exitCode: { kind: 'boolean', default: false, withNegated: false, brief: 'Exit with 1 when they differ' },
      ...filesFlags,
    },
    aliases: filesAliases,
    positional: {
      kind: 'tuple',
      parameters: [
        { ...kindArgument('The kind of the resource'), optional: true },
        { ...textArgument('name', 'Its name'), optional: true },
        { ...generation, placeholder: 'from', brief: 'A generation (default: the one before the newest)' },
        { ...generation, placeholder: 'to', brief: 'The generation to compare it with (default: the newest)' },
      ],
    },
  },
  completes: ['kind', 'name'],
  async run(context, flags, kind, name, from, to) {
    if (flags.file !== undefined) {
      if (kind !== undefined) throw usageError('-f and a resource are mutually exclusive', 'Name a resource, or files.');
      const { diffFiles } = await import('./diff-files.js');
      const isDifferent = await diffFiles(context, flags.file, flags);
      if (isDifferent && flags.exitCode) context.exitCode = 1;
      return;
    }
    if (kind === undefined || name === undefined)
      throw usageError(`<${kind === undefined ? 'kind' : 'name'}> is required`, 'Add --help to see how it is used.');
    const client = await context.connect();
    const newest = to ?? (await withKindHint(kind, newestGeneration(client, kind, name)));
    const before = await withKindHint(kind, readGeneration(client, kind, name, from ?? newest - 1));
    const after = await readGeneration(client, kind, name, newest);
    if (before.text === after.text) return;
    await printDiff(context, labelled(kind, name, before), labelled(kind, name, after));
    if (flags.exitCode) context.exitCode = 1;
  },
});

function labelled(kind: string, name: string, { generation: number, text, about }: GenerationText) {
  return { label: `${kind}/${name}`, about: `generation ${number}${about}`, text };
}
