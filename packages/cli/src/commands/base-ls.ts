import { listAll } from '../client/list-all.js';
import { defineCommand } from '../define-command.js';
import { outputFlag, type OutputFlags } from '../output/output-flag.js';
import { renderTable } from '../output/table.js';

/** `murmur base ls`. */
export const command = defineCommand<OutputFlags, []>({
  usage: '[flags]',
  description: 'Lists the base images the platform provides. A local one is there once `murmur base build` has built it.',
  examples: [{ brief: 'Which bases recipes can start from', line: 'murmur base ls' }],
  parameters: { flags: { output: outputFlag }, aliases: { o: 'output' } },
  async run(context, flags) {
    const list = await listAll(await context.connect(), 'image');
    const bases = list.resources
      .map((resource, index) => ({ resource, cells: list.rows[index]?.cells ?? [] }))
      .filter((item) => item.resource.builtin);
    const format = flags.output ?? 'table';
    if (format === 'table') {
      const headers = list.columns.map((column) => column.header);
      context.stdout.write(
        renderTable(
          headers,
          bases.map((base) => base.cells),
        ),
      );
      return;
    }
    const { renderDocument, specToDocument } = await import('../output/document.js');
    context.stdout.write(
      renderDocument(
        format,
        bases.map((base) => specToDocument(base.resource)),
      ),
    );
  },
});
