import { type Tenant, TenantSchema } from '@murmur/api';

import { defineCommand } from '../define-command.js';
import { outputFlag, type OutputFlags } from '../output/output-flag.js';
import { renderTable } from '../output/table.js';
import { renderTime } from '../output/time.js';

/** `murmur tenant ls`. */
export const command = defineCommand<OutputFlags, []>({
  usage: '[flags]',
  description: 'Lists the tenants of the server. Operators only.',
  examples: [{ brief: 'Who uses this server', line: 'murmur tenant ls' }],
  parameters: { flags: { output: outputFlag }, aliases: { o: 'output' } },
  async run(context, flags) {
    const client = await context.connect();
    const tenants: Tenant[] = [];
    for (let pageToken = ''; ;) {
      const page = await client.listTenants({ pageSize: 1000, pageToken });
      tenants.push(...page.tenants);
      if (page.nextPageToken === '') break;
      pageToken = page.nextPageToken;
    }
    const format = flags.output ?? 'table';
    if (format === 'table') {
      const rows = tenants.map((tenant) => [tenant.id, renderTime(tenant.createTime)]);
      context.stdout.write(renderTable(['id', 'created'], rows));
      return;
    }
    const { messageToDocument, renderDocument } = await import('../output/document.js');
    const documents = tenants.map((tenant) => messageToDocument(TenantSchema, tenant));
    context.stdout.write(renderDocument(format, documents));
  },
});
