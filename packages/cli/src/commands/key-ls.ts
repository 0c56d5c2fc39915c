import { type ApiKey, ApiKeySchema } from '@murmur/api';

import { defineCommand } from '../define-command.js';
import { outputFlag, type OutputFlags } from '../output/output-flag.js';
import { renderTable } from '../output/table.js';
import { renderTime } from '../output/time.js';

type Flags = OutputFlags & { readonly all: boolean };

const apiKeyHeaders = ['id', 'subject', 'key', 'created', 'expires', 'revoked', 'author', 'description'] as const;

/** `murmur key ls`. */
export const command = defineCommand<Flags, []>({
  usage: '[flags]',
  description: 'Lists the API keys of your tenant that are good for anything. Of the keys themselves only the public half is known.',
  examples: [
    { brief: 'Whose keys there are', line: 'murmur key ls' },
    { brief: 'With revoked and expired ones', line: 'murmur key ls --all' },
  ],
  parameters: {
    flags: {
      all: { kind: 'boolean', default: false, withNegated: false, brief: 'Revoked and expired ones too' },
      output: outputFlag,
    },
    aliases: { o: 'output' },
  },
  async run(context, flags) {
    const client = await context.connect();
    const keys: ApiKey[] = [];
    for (let pageToken = ''; ;) {
      const page = await client.listApiKeys({ pageSize: 1000, pageToken, all: flags.all });
      keys.push(...page.keys);
      if (page.nextPageToken === '') break;
      pageToken = page.nextPageToken;
    }
    const format = flags.output ?? 'table';
    if (format === 'table') {
      context.stdout.write(renderTable(apiKeyHeaders, keys.map(apiKeyRow)));
      return;
    }
    const { messageToDocument, renderDocument } = await import('../output/document.js');
    const documents = keys.map((key) => messageToDocument(ApiKeySchema, key));
    context.stdout.write(renderDocument(format, documents));
  },
});

function apiKeyRow(key: ApiKey): string[] {
  const { id, subject, masked, createTime, expireTime, revokeTime, author, description } = key;
  return [id, subject, masked, renderTime(createTime), renderTime(expireTime), renderTime(revokeTime), author, description];
}
