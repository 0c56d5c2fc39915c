import { CreateTenantResponseSchema } from '@murmur/api';

import { defineCommand } from '../define-command.js';
import { outputFlag, type OutputFlags } from '../output/output-flag.js';
import { textArgument } from '../parameters.js';

type Flags = OutputFlags & { readonly admin?: readonly string[] };

/** `murmur tenant create`. */
export const command = defineCommand<Flags, [id: string]>({
  usage: '[flags] <id>',
  description:
    'Makes a tenant. Each admin named gets the role murmur-admin there and an API key, printed on standard output in their\norder and shown this once. Operators only.',
  examples: [
    { brief: 'With one admin', line: 'murmur tenant create local/research --admin ana@example.com' },
    { brief: 'For a GitHub organisation, with two', line: 'murmur tenant create github_app/acme --admin ana --admin ben' },
  ],
  parameters: {
    flags: {
      admin: {
        kind: 'parsed',
        parse: String,
        variadic: true,
        optional: true,
        placeholder: 'SUBJECT',
        brief: 'Who administers it; repeatable, at least one',
      },
      output: outputFlag,
    },
    aliases: { o: 'output' },
    positional: { kind: 'tuple', parameters: [textArgument('id', 'PROVIDER/ORG; the providers are github_app, github_oauth and local')] },
  },
  async run(context, flags, id) {
    const client = await context.connect();
    const made = await client.createTenant({ id, admins: [...(flags.admin ?? [])] });
    const format = flags.output ?? 'table';
    if (format !== 'table') {
      const { messageToDocument, renderDocument } = await import('../output/document.js');
      context.stdout.write(renderDocument(format, messageToDocument(CreateTenantResponseSchema, made)));
      return;
    }
    // The keys alone go where a program reads them.
    context.stderr.write(`Created tenant "${id}"\n`);
    for (const { key, token } of made.keys) {
      context.stdout.write(`${token}\n`);
      context.stderr.write(`API key ${key?.id ?? ''} of ${key?.subject ?? ''}; it is shown this once\n`);
    }
  },
});
