import type { MurmurClient } from '../client/connect.js';
import { kindArgument, withKindHint } from '../client/kinds.js';
import { defineCommand } from '../define-command.js';
import { isBaked } from './diff-files.js';
import { documentPrinter } from '../output/document-stream.js';

type Flags = {
  readonly output?: 'yaml' | 'json';
};

/** What others refer to before what refers to it; kinds this client does not know come last. */
const readingOrder = ['secret', 'placement', 'environment', 'image', 'recipe', 'workspace', 'group', 'role', 'service-profile'];

/** `murmur export`. */
export const command = defineCommand<Flags, string[]>({
  usage: '[flags] [<kind>…]',
  description:
    "Prints the tenant's own resources as documents that `murmur apply` takes back unchanged: of all kinds, or of those named.\n" +
    'The builtins, which every tenant has, are left out. So are, and standard error says which, baked images, which only a bake\n' +
    'makes, and secrets, whose values nobody can read; `murmur export secret` prints their names and descriptions.',
  examples: [
    { brief: 'Keep the catalog in a file', line: 'murmur export > catalog.yaml' },
    { brief: 'Only recipes, as JSON', line: 'murmur export recipe -o json' },
    { brief: 'Copy a tenant to that of another key', line: 'murmur export | MURMUR_API_KEY="$OTHER_KEY" murmur apply -f -' },
  ],
  parameters: {
    flags: { output: { kind: 'enum', values: ['yaml', 'json'], optional: true, brief: 'How to print the documents (default: yaml)' } },
    aliases: { o: 'output' },
    positional: { kind: 'array', parameter: kindArgument('A kind such as recipe') },
  },
  completes: ['kind'],
  async run(context, flags, ...named) {
    const client = await context.connect();
    const kinds = named.length > 0 ? [...new Set(named)] : await writableKinds(client);
    const print = await documentPrinter(context, flags.output ?? 'yaml');
    const leftOut: string[] = [];
    for (const kind of kinds) leftOut.push(...(await exportKind(client, { kind, isNamed: named.length > 0 }, print.document)));
    print.end();
    for (const line of leftOut) context.stderr.write(`# left out: ${line}\n`);
  },
});

async function writableKinds(client: MurmurClient): Promise<string[]> {
  const { kinds } = await client.describeKinds({ kind: '' });
  const rank = (kind: string) => (readingOrder.includes(kind) ? readingOrder.indexOf(kind) : readingOrder.length);
  return kinds
    .filter((described) => !described.readOnly)
    .map((described) => described.kind)
    .toSorted((a, b) => rank(a) - rank(b));
}

/** Prints the resources of one kind and answers what it has left out. */
async function exportKind(
  client: MurmurClient,
  { kind, isNamed }: { readonly kind: string; readonly isNamed: boolean },
  print: (document: Record<string, unknown>) => void,
): Promise<string[]> {
  const { specToDocument } = await import('../output/document.js');
  const { MurmurError } = await import('@murmur/api');
  const baked: string[] = [];
  const secrets: string[] = [];
  for (let pageToken = ''; ;) {
    const page = await withKindHint(kind, client.listResources({ kind, pageSize: 100, pageToken })).catch((thrown: unknown) => {
      const error = MurmurError.from(thrown);
      if (isNamed || error.code !== 'PERMISSION_DENIED') throw thrown;
      return error;
    });
    if (page instanceof MurmurError) return [`every ${kind}: ${page.message}`];
    for (const resource of page.resources) {
      if (resource.builtin) continue;
      const document = specToDocument(resource);
      if (isBaked(document)) baked.push(resource.name);
      else if (kind === 'secret' && !isNamed) secrets.push(resource.name);
      else print({ kind, ...document });
    }
    if (page.nextPageToken === '') break;
    pageToken = page.nextPageToken;
  }
  return [
    ...(baked.length === 0 ? [] : [`${counted(baked, 'baked image')}; bake their recipes to make them again`]),
    ...(secrets.length === 0 ? [] : [`${counted(secrets, 'secret')}; where they are not yet, \`murmur secret set\` comes first`]),
  ];
}

function counted(names: readonly string[], what: string): string {
  const shown = names.slice(0, 10).join(', ');
  return `${names.length} ${what}${names.length === 1 ? '' : 's'} (${shown}${names.length > 10 ? ', …' : ''})`;
}
