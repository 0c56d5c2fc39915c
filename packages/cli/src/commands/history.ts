import { withKindHint } from '../client/kinds.js';
import { defineCommand } from '../define-command.js';
import { outputFlag, type OutputFlags } from '../output/output-flag.js';
import { renderTable } from '../output/table.js';
import { renderTime } from '../output/time.js';
import { textArgument } from '../parameters.js';

/** `murmur history`. */
export const command = defineCommand<OutputFlags, [kind: string, name: string]>({
  usage: '[flags] <kind> <name>',
  description: 'Lists every generation of a resource, newest first: who wrote it, and when.',
  examples: [
    { brief: 'Who changed a recipe', line: 'murmur history recipe hello' },
    { brief: 'What the last change did', line: 'murmur diff recipe hello' },
    { brief: 'Go back to an earlier generation', line: 'murmur get recipe hello --generation 2 | murmur set recipe hello' },
  ],
  parameters: {
    flags: { output: outputFlag },
    aliases: { o: 'output' },
    positional: { kind: 'tuple', parameters: [textArgument('kind', 'The kind of the resource'), textArgument('name', 'Its name')] },
  },
  completes: ['kind', 'name'],
  async run(context, flags, kind, name) {
    const client = await context.connect();
    const { generations } = await withKindHint(kind, client.listGenerations({ kind, name }));
    const format = flags.output ?? 'table';
    if (format === 'table') {
      const rows = generations.map((entry) => [
        String(entry.generation),
        entry.removed ? 'deleted' : 'set',
        entry.author,
        renderTime(entry.time),
      ]);
      context.stdout.write(renderTable(['generation', 'change', 'author', 'time'], rows));
      return;
    }
    const { renderDocument, specToDocument } = await import('../output/document.js');
    const documents = generations.map((entry) => ({
      generation: Number(entry.generation),
      author: entry.author,
      time: renderTime(entry.time),
      removed: entry.removed,
      ...(entry.resource === undefined || entry.removed ? {} : { spec: specToDocument(entry.resource) }),
    }));
    context.stdout.write(renderDocument(format, documents));
  },
});
