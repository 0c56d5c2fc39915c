import { type Host, Host_State, HostSchema } from '@murmur/api';

import { defineCommand } from '../define-command.js';
import { outputFlag, type OutputFlags } from '../output/output-flag.js';
import { renderTable } from '../output/table.js';
import { renderTime } from '../output/time.js';

/** `murmur host ls`. */
export const command = defineCommand<OutputFlags, []>({
  usage: '[flags]',
  description:
    'Lists the hosts that have used the database of the server: data folders with the server on each. IMAGES and BAKES are what\nlies there and nowhere else. A host that is AWAY was not seen for 20 seconds. Operators only.',
  examples: [{ brief: 'Which servers there are', line: 'murmur host ls' }],
  parameters: { flags: { output: outputFlag }, aliases: { o: 'output' } },
  async run(context, flags) {
    const client = await context.connect();
    const { hosts } = await client.listHosts({});
    const format = flags.output ?? 'table';
    if (format === 'table') {
      context.stdout.write(renderTable(['id', 'name', 'state', 'seen', 'images', 'bakes'], hosts.map(rowOf)));
      return;
    }
    const { messageToDocument, renderDocument } = await import('../output/document.js');
    context.stdout.write(
      renderDocument(
        format,
        hosts.map((host) => messageToDocument(HostSchema, host)),
      ),
    );
  },
});

function rowOf(host: Host): string[] {
  return [host.id, host.name, Host_State[host.state], renderTime(host.seenTime), String(host.images), String(host.bakes)];
}
