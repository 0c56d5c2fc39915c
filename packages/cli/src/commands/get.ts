import { type Resource, SortOrder } from '@murmur/api';

import type { MurmurClient } from '../client/connect.js';
import { listAll } from '../client/list-all.js';
import type { Context } from '../context.js';
import { defineCommand } from '../define-command.js';
import { usageError } from '../failure.js';
import { outputFlag, type OutputFlags, type OutputFormat } from '../output/output-flag.js';
import { renderTable } from '../output/table.js';
import { readTargets, type Target } from '../input/targets.js';
import { wholeNumber } from '../parameters.js';
import { kindOf, withKindHint } from '../client/kinds.js';

const orders = { created: SortOrder.CREATED, name: SortOrder.NAME, updated: SortOrder.UPDATED };

type Flags = OutputFlags & {
  readonly sort?: 'name' | 'created' | 'updated';
  readonly generation?: number;
};

/** `murmur get`. */
export const command = defineCommand<Flags, string[]>({
  usage: '[flags] <kind> [<name>…] | <kind>/<name>…',
  description:
    'Lists the resources of a kind, oldest first, or prints one of them.\nOne resource is printed as the document that `murmur set` accepts. With -o yaml and -o json it also says its kind and\ngeneration: written back, it is refused if somebody else has changed the resource meanwhile.',
  examples: [
    { brief: 'List all recipes', line: 'murmur get recipe' },
    { brief: 'Print one recipe', line: 'murmur get recipe python-toolchain' },
    { brief: 'Print several, for apply to take back', line: 'murmur get recipe/python-toolchain image/debian > catalog.yaml' },
    { brief: 'Copy a recipe as it was in generation 2', line: 'murmur get recipe python-toolchain --generation 2 > old.yaml' },
    { brief: 'Use the list in a program', line: "murmur get image -o json | jq -r '.[].name'" },
  ],
  parameters: {
    flags: {
      output: outputFlag,
      sort: { kind: 'enum', values: ['name', 'created', 'updated'], optional: true, brief: 'The order of a list (default: created)' },
      generation: {
        kind: 'parsed',
        parse: wholeNumber(1, Number.MAX_SAFE_INTEGER),
        optional: true,
        placeholder: 'N',
        brief: 'Print an earlier generation of one resource',
      },
    },
    aliases: { o: 'output' },
    positional: {
      kind: 'array',
      parameter: { parse: String, placeholder: 'kind', brief: 'A kind, such as recipe or image, and names of that kind; or kind/name' },
      minimum: 1,
    },
  },
  completes: ['kind', 'name'],
  async run(context, flags, ...words) {
    const targets = readTargets(words);
    const [target, ...others] = targets;
    const client = await context.connect();
    if (target !== undefined) {
      if (others.length > 0) return printSeveral(context, client, flags, targets);
      return withKindHint(target.kind, printOne(context, client, flags, target.kind, target.name));
    }
    const kind = kindOf(words[0] ?? '');
    if (flags.generation !== undefined) throw usageError('--generation needs the name of a resource');
    const list = await withKindHint(kind, listAll(client, kind, orders[flags.sort ?? 'created']));
    const format = flags.output ?? 'table';
    if (format === 'table')
      context.stdout.write(
        renderTable(
          headersOf(list.columns),
          list.rows.map((row) => row.cells),
        ),
      );
    else await printDocument(context, format, [...list.resources]);
  },
});

async function printSeveral(context: Context, client: MurmurClient, flags: Flags, targets: readonly Target[]): Promise<void> {
  const format = flags.output ?? 'yaml';
  if (format === 'table' || flags.generation !== undefined) {
    throw usageError('several resources are printed as they are', 'Use -o yaml or -o json, without --generation.');
  }
  const resources: Resource[] = [];
  for (const { kind, name } of targets) {
    const { resource } = await withKindHint(kind, client.getResource({ kind, name }));
    if (resource !== undefined) resources.push(resource);
  }
  const [{ documentPrinter }, { resourceToDocument }] = await Promise.all([
    import('../output/document-stream.js'),
    import('../output/document.js'),
  ]);
  const print = await documentPrinter(context, format);
  for (const resource of resources) print.document(resourceToDocument(resource));
  print.end();
}

async function printOne(context: Context, client: MurmurClient, flags: Flags, kind: string, name: string): Promise<void> {
  const { resource } = await client.getResource({ kind, name, generation: BigInt(flags.generation ?? 0) });
  const format = flags.output;
  if (format === undefined) {
    const { renderDocument, specToDocument } = await import('../output/document.js');
    context.stdout.write(renderDocument('yaml', resource === undefined ? {} : specToDocument(resource)));
    return;
  }
  if (format !== 'table') {
    await printDocument(context, format, resource);
    return;
  }
  if (flags.generation !== undefined) throw usageError('--generation prints a document; use it with -o yaml or -o json');
  // The server makes the rows of tables, and only for lists.
  const list = await listAll(client, kind);
  const rows = list.rows.filter((_, index) => list.resources[index]?.name === name);
  context.stdout.write(
    renderTable(
      headersOf(list.columns),
      rows.map((row) => row.cells),
    ),
  );
}

function headersOf(columns: readonly { header: string }[]): string[] {
  return columns.map((column) => column.header);
}

async function printDocument(
  context: Context,
  format: Exclude<OutputFormat, 'table'>,
  what: Resource | Resource[] | undefined,
): Promise<void> {
  const { renderDocument, resourceToDocument } = await import('../output/document.js');
  const value = Array.isArray(what) ? what.map(resourceToDocument) : what === undefined ? {} : resourceToDocument(what);
  context.stdout.write(renderDocument(format, value));
}
