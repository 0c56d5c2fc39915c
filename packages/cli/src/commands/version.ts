import { defineCommand } from '../define-command.js';
import { explain } from '../client/explain.js';
import { outputFlag, type OutputFlags } from '../output/output-flag.js';
import { renderFields } from '../output/table.js';
import { version } from '../version.js';

/** `murmur version`. */
export const command = defineCommand<OutputFlags, []>({
  usage: '[flags]',
  description: 'Prints the version of this program, and of the server when it can be reached.',
  examples: [{ brief: 'Both versions', line: 'murmur version' }],
  parameters: { flags: { output: outputFlag }, aliases: { o: 'output' } },
  async run(context, flags) {
    const [{ server: address }, client] = await Promise.all([context.settings(), context.connect()]);
    const server = await client.getVersion({}, { timeoutMs: 3000 }).then(
      (answer) => ({ version: answer.version, substrates: answer.substrates, address }),
      (thrown: unknown) => ({ address, error: explain(thrown, address).message }),
    );
    const format = flags.output ?? 'table';
    if (format !== 'table') {
      const { renderDocument } = await import('../output/document.js');
      context.stdout.write(renderDocument(format, { client: { version }, server }));
      return;
    }
    const described = 'version' in server ? `${server.version} at ${address} (${server.substrates.join(', ')})` : server.error;
    context.stdout.write(
      renderFields([
        ['Client', version],
        ['Server', described],
      ]),
    );
  },
});
