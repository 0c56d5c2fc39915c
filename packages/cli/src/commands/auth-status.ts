import { defineCommand } from '../define-command.js';
import { outputFlag, type OutputFlags } from '../output/output-flag.js';
import { renderFields } from '../output/table.js';

/** `murmur auth status`. */
export const command = defineCommand<OutputFlags, []>({
  usage: '[flags]',
  description: 'Says which server is used, in which tenant, and as whom.',
  examples: [{ brief: 'Who am I', line: 'murmur auth' }],
  parameters: { flags: { output: outputFlag }, aliases: { o: 'output' } },
  async run(context, flags) {
    const [{ server }, client] = await Promise.all([context.settings(), context.connect()]);
    const { tenant, subject, keyId } = await client.whoAmI({});
    const format = flags.output ?? 'table';
    if (format === 'table') {
      context.stdout.write(
        renderFields([
          ['Server', server],
          ['Tenant', tenant],
          ['Identity', subject],
          ['API key', keyId],
        ]),
      );
      return;
    }
    const { renderDocument } = await import('../output/document.js');
    context.stdout.write(renderDocument(format, { server, tenant, subject, key_id: keyId }));
  },
});
