import { listAll } from '../client/list-all.js';
import { defineCommand } from '../define-command.js';
import { outputFlag, type OutputFlags } from '../output/output-flag.js';
import { renderTable } from '../output/table.js';

/** `murmur secret ls`. */
export const command = defineCommand<OutputFlags, []>({
  usage: '[flags]',
  description: 'Lists the names of secrets and what they are for. Their values are shown nowhere.',
  examples: [{ brief: 'See which there are', line: 'murmur secret ls' }],
  parameters: { flags: { output: outputFlag }, aliases: { o: 'output' } },
  async run(context, flags) {
    const { columns, resources, rows } = await listAll(await context.connect(), 'secret');
    const format = flags.output ?? 'table';
    if (format === 'table') {
      const headers = columns.map((column) => column.header);
      const cells = rows.map((row) => row.cells);
      context.stdout.write(renderTable(headers, cells));
      return;
    }
    const { renderDocument, specToDocument } = await import('../output/document.js');
    context.stdout.write(renderDocument(format, resources.map(specToDocument)));
  },
});
