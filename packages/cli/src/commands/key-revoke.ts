import { ApiKeySchema } from '@murmur/api';

import { defineCommand } from '../define-command.js';
import { outputFlag, type OutputFlags } from '../output/output-flag.js';
import { textArgument } from '../parameters.js';

/** `murmur key revoke`. */
export const command = defineCommand<OutputFlags, [id: string]>({
  usage: '[flags] <id>',
  description: 'Makes an API key worthless, from the next call on and for good.',
  examples: [{ brief: 'A key that got lost', line: 'murmur key revoke k3x9q2m7h1ab' }],
  parameters: {
    flags: { output: outputFlag },
    aliases: { o: 'output' },
    positional: { kind: 'tuple', parameters: [textArgument('id', 'The id of the key, as murmur key ls shows it')] },
  },
  async run(context, flags, id) {
    const client = await context.connect();
    const { key } = await client.revokeApiKey({ id });
    const format = flags.output ?? 'table';
    if (format === 'table' || key === undefined) {
      context.stdout.write(`Revoked API key ${id}\n`);
      return;
    }
    const { messageToDocument, renderDocument } = await import('../output/document.js');
    context.stdout.write(renderDocument(format, messageToDocument(ApiKeySchema, key)));
  },
});
