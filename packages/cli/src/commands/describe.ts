import { type KindDescription, KindDescriptionSchema } from '@murmur/api';

import { kindArgument, withKindHint } from '../client/kinds.js';
import { defineCommand } from '../define-command.js';
import { outputFlag, type OutputFlags } from '../output/output-flag.js';
import { renderTable } from '../output/table.js';

/** `murmur describe`. */
export const command = defineCommand<OutputFlags, [kind?: string]>({
  usage: '[flags] [<kind>]',
  description: 'Explains the kinds of resources: all of them in one line each, or one with its fields, an example and its errors.',
  examples: [
    { brief: 'Which kinds there are', line: 'murmur describe' },
    { brief: 'How a recipe is written', line: 'murmur describe recipe' },
  ],
  parameters: {
    flags: { output: outputFlag },
    aliases: { o: 'output' },
    positional: { kind: 'tuple', parameters: [{ ...kindArgument('One kind, such as recipe'), optional: true }] },
  },
  completes: ['kind'],
  async run(context, flags, kind) {
    const client = await context.connect();
    const { kinds } = await withKindHint(kind ?? '', client.describeKinds({ kind: kind ?? '' }));
    const format = flags.output ?? 'table';
    if (format !== 'table') {
      const { messageToDocument, renderDocument } = await import('../output/document.js');
      const documents = kinds.map((described) => messageToDocument(KindDescriptionSchema, described));
      context.stdout.write(renderDocument(format, kind === undefined ? documents : (documents[0] ?? {})));
    } else if (kind === undefined) {
      const rows = kinds.map((described) => [described.kind, described.readOnly ? 'no' : 'yes', described.summary]);
      context.stdout.write(renderTable(['kind', 'writable', 'summary'], rows));
    } else {
      context.stdout.write(kinds.map(page).join('\n'));
    }
  },
});

function page(kind: KindDescription): string {
  const fields = kind.fields.map((field) => [field.path, field.type, field.required, field.description]);
  const errors = kind.errors.map((error) => [error.code, error.message, error.hint]);
  const sections = [
    `${kind.kind}: ${kind.summary}${kind.readOnly ? ' Read-only: the platform provides them.' : ''}\n`,
    fields.length === 0 ? '' : `FIELDS\n${renderTable(['name', 'type', 'required', 'description'], fields)}`,
    kind.example === '' ? '' : `EXAMPLE\n${kind.example.trimEnd()}\n`,
    errors.length === 0 ? '' : `ERRORS\n${renderTable(['code', 'message', 'what to do'], errors)}`,
  ];
  return sections.filter((section) => section !== '').join('\n');
}
