import { contextsFile, readContexts } from '../config/contexts.js';
import { defineCommand } from '../define-command.js';
import { outputFlag, type OutputFlags } from '../output/output-flag.js';
import { renderTable } from '../output/table.js';

/** `murmur context ls`. */
export const command = defineCommand<OutputFlags>({
  usage: '[flags]',
  description: 'Lists your contexts; a star is beside the one in use.',
  examples: [{ brief: 'Which there are', line: 'murmur context ls' }],
  parameters: { flags: { output: outputFlag }, aliases: { o: 'output' } },
  async run(context, flags) {
    const { contexts, current } = await readContexts(contextsFile(context));
    const format = flags.output ?? 'table';
    if (format === 'table') {
      const rows = Object.entries(contexts).map(([name, { server, tenant }]) => [name === current ? '*' : '', name, server, tenant ?? '']);
      context.stdout.write(renderTable(['', 'name', 'server', 'tenant'], rows));
      return;
    }
    const { renderDocument } = await import('../output/document.js');
    context.stdout.write(
      renderDocument(
        format,
        Object.entries(contexts).map(([name, one]) => ({ name, ...one, current: name === current })),
      ),
    );
  },
});
