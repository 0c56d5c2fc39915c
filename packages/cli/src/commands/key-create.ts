import { CreateApiKeyResponseSchema } from '@murmur/api';

import { defineCommand } from '../define-command.js';
import { outputFlag, type OutputFlags } from '../output/output-flag.js';
import { renderTime } from '../output/time.js';
import { textArgument } from '../parameters.js';

type Flags = OutputFlags & {
  readonly expiresIn?: string;
  readonly description?: string;
};

/** `murmur key create`. */
export const command = defineCommand<Flags, [subject: string]>({
  usage: '[flags] <subject>',
  description:
    'Makes an API key for a user or a service profile of your tenant, and prints it on standard output. It is shown this once:\nthe server keeps only a hash of it. What the key may do is what bindings give its subject;\nmade for somebody else, only as far as you may do it too, and it ends when your own key does.',
  examples: [
    { brief: 'For a person, for thirty days', line: 'murmur key create ana@example.com --expires-in 720h' },
    { brief: 'For a program, into a file', line: 'murmur key create service-profile/ci --description "Nightly bakes" > ci.key' },
  ],
  parameters: {
    flags: {
      output: outputFlag,
      expiresIn: {
        kind: 'parsed',
        parse: String,
        optional: true,
        placeholder: 'DURATION',
        brief: 'How long it is good for, such as 720h (default: until it is revoked)',
      },
      description: { kind: 'parsed', parse: String, optional: true, placeholder: 'TEXT', brief: 'What it is for' },
    },
    aliases: { o: 'output' },
    positional: { kind: 'tuple', parameters: [textArgument('subject', 'Whom it speaks for: a user, or service-profile/NAME')] },
  },
  async run(context, flags, subject) {
    const client = await context.connect();
    const made = await client.createApiKey({ subject, expiresIn: flags.expiresIn ?? '', description: flags.description ?? '' });
    const format = flags.output ?? 'table';
    if (format === 'table') context.stdout.write(`${made.token}\n`);
    else {
      const { messageToDocument, renderDocument } = await import('../output/document.js');
      context.stdout.write(renderDocument(format, messageToDocument(CreateApiKeyResponseSchema, made)));
    }
    const expires = made.key?.expireTime === undefined ? 'does not expire' : `expires ${renderTime(made.key.expireTime)}`;
    context.stderr.write(`API key ${made.key?.id ?? ''} of ${subject} ${expires}; it is shown this once\n`);
  },
});
