import type { Generation } from '@murmur/api';

import { kindArgument, withKindHint } from '../client/kinds.js';
import { listGenerations } from '../client/list-generations.js';
import { defineCommand } from '../define-command.js';
import { outputFlag, type OutputFlags } from '../output/output-flag.js';
import { renderTable } from '../output/table.js';
import { renderTime } from '../output/time.js';
import { textArgument, wholeNumber } from '../parameters.js';

type Flags = OutputFlags & {
  readonly limit?: number;
};

/** `murmur history`. */
export const command = defineCommand<Flags, [kind: string, name: string]>({
  usage: '[flags] <kind> <name>',
  description: 'Lists the generations of a resource, newest first: who wrote it, and when.',
  examples: [
    { brief: 'Who changed a recipe', line: 'murmur history recipe hello' },
    { brief: 'The last five changes', line: 'murmur history recipe hello --limit 5' },
    { brief: 'What the last change did', line: 'murmur diff recipe hello' },
    { brief: 'Go back to an earlier generation', line: 'murmur get recipe hello --generation 2 | murmur set recipe hello' },
  ],
  parameters: {
    flags: {
      output: outputFlag,
      limit: {
        kind: 'parsed',
        parse: wholeNumber(1, Number.MAX_SAFE_INTEGER),
        optional: true,
        placeholder: 'N',
        brief: 'Only the newest N generations',
      },
    },
    aliases: { o: 'output' },
    positional: { kind: 'tuple', parameters: [kindArgument('The kind of the resource'), textArgument('name', 'Its name')] },
  },
  completes: ['kind', 'name'],
  async run(context, flags, kind, name) {
    const client = await context.connect();
    const format = flags.output ?? 'table';
    const generations = listGenerations(client, kind, name, flags.limit);
    if (format === 'table') {
      const rows = await withKindHint(kind, all(generations, rowOf));
      context.stdout.write(renderTable(['generation', 'change', 'author', 'time'], rows));
      return;
    }
    const { renderDocument, specToDocument } = await import('../output/document.js');
    const documents = await withKindHint(
      kind,
      all(generations, (entry) => ({
        generation: Number(entry.generation),
        author: entry.author,
        time: renderTime(entry.time),
        removed: entry.removed,
        ...(entry.resource === undefined || entry.removed ? {} : { spec: specToDocument(entry.resource) }),
      })),
    );
    context.stdout.write(renderDocument(format, documents));
  },
});

/** What is shown of each: its document is let go of with its page. */
async function all<T>(generations: AsyncIterable<Generation>, shown: (generation: Generation) => T): Promise<T[]> {
  const found: T[] = [];
  for await (const generation of generations) found.push(shown(generation));
  return found;
}

function rowOf({ author, generation, removed, time }: Generation): string[] {
  return [String(generation), removed ? 'deleted' : 'set', author, renderTime(time)];
}
