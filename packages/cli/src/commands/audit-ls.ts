import { type AuditEntry, AuditEntrySchema } from '@murmur/api';

import { defineCommand } from '../define-command.js';
import { outputFlag, type OutputFlags } from '../output/output-flag.js';
import { renderTable } from '../output/table.js';
import { renderTime } from '../output/time.js';
import { wholeNumber } from '../parameters.js';

type Flags = OutputFlags & {
  readonly resource?: string;
  readonly actor?: string;
  readonly denied: boolean;
  readonly pageSize: number;
  readonly pageToken?: string;
};

const text = { kind: 'parsed', parse: String, optional: true } as const;
const headers = ['time', 'actor', 'key', 'address', 'action', 'resource', 'allowed', 'outcome', 'made'];

/** `murmur audit ls`. */
export const command = defineCommand<Flags, []>({
  usage: '[flags]',
  description:
    'Lists who did what in your tenant, newest first: every change that was tried, and every call that was refused for lack of a\npermission. An entry without an outcome was cut off by a crash of the server.',
  examples: [
    { brief: 'Who changed a recipe', line: 'murmur audit ls --resource recipe/hello' },
    { brief: 'What somebody was refused', line: 'murmur audit ls --actor ana@example.com --denied' },
  ],
  parameters: {
    flags: {
      resource: { ...text, placeholder: 'KIND/NAME', brief: 'Only about this resource, kind, bake/RUN or bake' },
      actor: { ...text, placeholder: 'SUBJECT', brief: 'Only by this user or service profile' },
      denied: { kind: 'boolean', default: false, withNegated: false, brief: 'Only what was refused for lack of a permission' },
      pageSize: {
        kind: 'parsed',
        parse: wholeNumber(1, 1000),
        default: '100',
        placeholder: 'N',
        brief: 'How many to list, from 1 to 1000',
      },
      pageToken: { ...text, placeholder: 'TOKEN', brief: 'Go on where an earlier page ended' },
      output: outputFlag,
    },
    aliases: { o: 'output' },
  },
  async run(context, flags) {
    const client = await context.connect();
    const { entries, nextPageToken } = await client.listAuditEntries({
      pageSize: flags.pageSize,
      pageToken: flags.pageToken ?? '',
      resource: flags.resource ?? '',
      actor: flags.actor ?? '',
      deniedOnly: flags.denied,
    });
    const format = flags.output ?? 'table';
    if (format === 'table') context.stdout.write(renderTable(headers, entries.map(rowOf)));
    else {
      const { messageToDocument, renderDocument } = await import('../output/document.js');
      // "false" is what a message leaves out.
      const documents = entries.map((entry) => ({ ...messageToDocument(AuditEntrySchema, entry), allowed: entry.allowed }));
      context.stdout.write(renderDocument(format, documents));
    }
    if (nextPageToken !== '') context.stderr.write(`More with: murmur audit ls --page-token ${nextPageToken}\n`);
  },
});

function rowOf({ time, actor, keyId, address, action, resource, allowed, outcome, made }: AuditEntry): string[] {
  return [renderTime(time), actor, keyId, address, action, resource, allowed ? 'yes' : 'no', outcome, made];
}
