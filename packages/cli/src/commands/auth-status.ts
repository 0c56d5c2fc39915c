import { timestampDate } from '@bufbuild/protobuf/wkt';
import type { WhoAmIResponse } from '@murmur/api';

import type { Settings } from '../config/settings.js';
import { defineCommand } from '../define-command.js';
import { CliError } from '../failure.js';
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
    const [{ server, source }, client] = await Promise.all([context.settings(), context.connect()]);
    const self = await client.whoAmI({}).catch((thrown: unknown) => {
      // Whoever is refused by the server wants to know with what they came.
      if (!(thrown instanceof Error && thrown.cause instanceof CliError))
        context.stderr.write(`Asked ${server} ${source === undefined ? 'without a credential' : `with the credential of ${source}`}\n`);
      throw thrown;
    });
    const format = flags.output ?? 'table';
    if (format === 'table') {
      context.stdout.write(renderFields(fieldsOf({ server, source }, self)));
      return;
    }
    const { renderDocument } = await import('../output/document.js');
    context.stdout.write(renderDocument(format, documentOf({ server, source }, self)));
  },
});

type From = Pick<Settings, 'server' | 'source'>;

function fieldsOf({ server, source }: From, { tenant, subject, keyId, issuer, expireTime, operator }: WhoAmIResponse): [string, string][] {
  const fields: [string, string][] = [
    ['Server', server],
    ['Tenant', tenant],
    ['Identity', subject],
    ['API key', keyId],
    ['Credential', source ?? ''],
    ['Issuer', issuer],
    ['Operator', operator ? 'yes' : ''],
    ['Expires', renderTime(expireTime)],
  ];
  return fields.filter(([, value]) => value !== '');
}

function documentOf({ server, source }: From, { tenant, subject, keyId, issuer, expireTime, operator }: WhoAmIResponse): object {
  return {
    server,
    tenant,
    subject,
    ...(keyId === '' ? {} : { key_id: keyId }),
    ...(source === undefined ? {} : { credential: source }),
    ...(issuer === '' ? {} : { issuer }),
    ...(expireTime === undefined ? {} : { expire_time: timestampDate(expireTime).toISOString() }),
    operator,
  };
}
