import { kindArgument, withKindHint } from '../client/kinds.js';
import { type GenerationText, newestGeneration, readGeneration } from '../client/read-generation.js';
import { defineCommand } from '../define-command.js';
import { textArgument, wholeNumber } from '../parameters.js';

type Flags = {
  readonly exitCode: boolean;
};

const generation = { parse: wholeNumber(0, Number.MAX_SAFE_INTEGER), optional: true } as const;

/** `murmur diff`. */
export const command = defineCommand<Flags, [kind: string, name: string, from?: number, to?: number]>({
  usage: '[--exit-code] <kind> <name> [<from> [<to>]]',
  description:
    'Compares two generations of a resource, line by line: the newest with the one before, or with the one given, or two given\n' +
    'ones. A deleted resource has no lines, and neither has generation 0. `murmur history` lists the generations.',
  examples: [
    { brief: 'What the last change did', line: 'murmur diff recipe hello' },
    { brief: 'What has changed since generation 2', line: 'murmur diff recipe hello 2' },
    { brief: 'Between two generations', line: 'murmur diff recipe hello 1 3' },
    { brief: 'Go back to an earlier generation', line: 'murmur get recipe hello --generation 2 | murmur set recipe hello' },
  ],
  parameters: {
    flags: { exitCode: { kind: 'boolean', default: false, withNegated: false, brief: 'Exit with 1 when they differ' } },
    positional: {
      kind: 'tuple',
      parameters: [
        kindArgument('The kind of the resource'),
        textArgument('name', 'Its name'),
        { ...generation, placeholder: 'from', brief: 'A generation (default: the one before the newest)' },
        { ...generation, placeholder: 'to', brief: 'The generation to compare it with (default: the newest)' },
      ],
    },
  },
  completes: ['kind', 'name'],
  async run(context, flags, kind, name, from, to) {
    const client = await context.connect();
    const newest = to ?? (await withKindHint(kind, newestGeneration(client, kind, name)));
    const before = await withKindHint(kind, readGeneration(client, kind, name, from ?? newest - 1));
    const after = await readGeneration(client, kind, name, newest);
    if (before.text === after.text) return;
    const { unifiedDiff } = await import('../output/unified-diff.js');
    const isColoured = context.stdout.isTTY === true && (context.env['NO_COLOR'] ?? '') === '';
    const sides = [labelled(kind, name, before), labelled(kind, name, after)] as const;
    if (isColoured) context.stdout.writeRaw(unifiedDiff(...sides, 'coloured'));
    else context.stdout.write(unifiedDiff(...sides, 'plain'));
    if (flags.exitCode) context.exitCode = 1;
  },
});

function labelled(kind: string, name: string, { generation: number, text, about }: GenerationText) {
  return { label: `${kind}/${name}`, about: `generation ${number}${about}`, text };
}
