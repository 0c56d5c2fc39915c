import { timestampDate } from '@bufbuild/protobuf/wkt';
import type { WhoAmIResponse } from '@murmur/api';

import { defineCommand } from '../define-command.js';
import { outputFlag, type OutputFlags } from '../output/output-flag.js';
import { renderFields } from '../output/table.js';
import { renderTime } from '../output/time.js';

/** `murmur auth status`, which is `murmur whoami` too. */
export const command = defineCommand<OutputFlags, []>({
  usage: '[flags]',
  description: 'Says which server is used, in which tenant, as whom, and by which key or login.',
  examples: [{ brief: 'Who am I', line: 'murmur whoami' }],
  parameters: { flags: { output: outputFlag }, aliases: { o: 'output' } },
  async run(context, flags) {
    const [{ server }, client] = await Promise.all([context.settings(), context.connect()]);
    const self = await client.whoAmI({});
    const format = flags.output ?? 'table';
    if (format === 'table') {
      context.stdout.write(renderFields(fieldsOf(server, self)));
      return;
    }
    const { renderDocument } = await import('../output/document.js');
    context.stdout.write(renderDocument(format, documentOf(server, self)));
  },
});

function fieldsOf(server: string, { tenant, subject, keyId, issuer, expireTime, operator }: WhoAmIResponse): [string, string][] {
  const fields: [string, string][] = [
    ['Server', server],
    ['Tenant', tenant],
    ['Identity', subject],
    ['API key', keyId],
    ['Issuer', issuer],
    ['Operator', operator ? 'yes' : ''],
    ['Expires', renderTime(expireTime)],
  ];
  return fields.filter(([, value]) => value !== '');
}

function documentOf(server: string, { tenant, subject, keyId, issuer, expireTime, operator }: WhoAmIResponse): object {
  return {
    server,
    tenant,
    subject,
    ...(keyId === '' ? {} : { key_id: keyId }),
    ...(issuer === '' ? {} : { issuer }),
    ...(expireTime === undefined ? {} : { expire_time: timestampDate(expireTime).toISOString() }),
    operator,
  };
}
