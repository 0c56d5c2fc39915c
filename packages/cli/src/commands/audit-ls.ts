import { type AuditEntry, AuditEntrySchema } from '@murmur/api';

import { defineCommand } from '../define-command.js';
import { outputFlag } from '../output/output-flag.js';
import { filterWords, type PageFlags, pageFlags, printList } from '../output/print-list.js';
import { renderTable } from '../output/table.js';
import { renderTime } from '../output/time.js';

type Flags = PageFlags & {
  readonly resource?: string;
  readonly actor?: string;
  readonly denied: boolean;
};

const mostPerPage = 1000;
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
      ...pageFlags(mostPerPage, 100),
      output: outputFlag,
    },
    aliases: { o: 'output' },
  },
  async run(context, flags) {
    const client = await context.connect();
    const { actor, denied, resource } = flags;
    const { messageToDocument } = await import('../output/document.js');
    await printList(context, flags, {
      command: ['audit', 'ls', ...filterWords({ resource, actor, denied })],
      name: 'entries',
      most: mostPerPage,
      standard: 100,
      async page(request) {
        const { entries, nextPageToken } = await client.listAuditEntries({
          ...request,
          resource: resource ?? '',
          actor: actor ?? '',
          deniedOnly: denied,
        });
        return { items: entries, nextPageToken };
      },
      table: (entries) => renderTable(headers, entries.map(rowOf)),
      // "false" is what a message leaves out.
      document: (entry) => ({ ...messageToDocument(AuditEntrySchema, entry), allowed: entry.allowed }),
    });
  },
});

function rowOf({ time, actor, keyId, address, action, resource, allowed, outcome, made }: AuditEntry): string[] {
  return [renderTime(time), actor, keyId, address, action, resource, allowed ? 'yes' : 'no', outcome, made];
}
