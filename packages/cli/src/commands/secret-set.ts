import { ConnectError } from '@connectrpc/connect';
import { MurmurError } from '@murmur/api';

import type { MurmurClient } from '../client/connect.js';
import { isLoopback } from '../config/settings.js';
import type { Context } from '../context.js';
import { defineCommand } from '../define-command.js';
import { usageError } from '../failure.js';
import { readSecretValue } from '../input/secret-value.js';
import { outputFlag, type OutputFlags } from '../output/output-flag.js';
import { printChange } from '../output/resource-result.js';
import { textArgument, wholeNumber } from '../parameters.js';

type Flags = OutputFlags & {
  readonly description?: string;
  readonly ifGeneration?: number;
};

/** `murmur secret set`. */
export const command = defineCommand<Flags, [name: string, value?: string]>({
  usage: '[flags] <name>',
  description:
    'Stores a value under a name, or replaces it. On a terminal it asks for the value and does not show it. Otherwise the value\nis standard input, as it is, without one line break at its end. It is never an argument: process lists show those to\neveryone. Nobody can read the value again; recipes name it in secret_allowlist and workspaces in secret_refs.',
  examples: [
    { brief: 'Type or paste the value', line: 'murmur secret set NPM_TOKEN' },
    { brief: 'From a password manager', line: 'pass show npm | murmur secret set NPM_TOKEN --description "Reads our packages"' },
    { brief: 'A key of several lines', line: 'murmur secret set DEPLOY_KEY < deploy_key.pem' },
  ],
  parameters: {
    flags: {
      output: outputFlag,
      description: {
        kind: 'parsed',
        parse: String,
        optional: true,
        placeholder: 'TEXT',
        brief: 'What it is for (default: stays as it is)',
      },
      ifGeneration: {
        kind: 'parsed',
        parse: wholeNumber(0, Number.MAX_SAFE_INTEGER),
        optional: true,
        placeholder: 'N',
        brief: 'Only if the secret is at this generation; 0 for a new one',
      },
    },
    aliases: { o: 'output' },
    positional: {
      kind: 'tuple',
      parameters: [
        textArgument('name', 'Capitals, digits and underscores, such as NPM_TOKEN'),
        { ...textArgument('value', 'Not accepted: type the value, or pipe it in'), optional: true },
      ],
    },
  },
  async run(context, flags, name, value) {
    if (value !== undefined || name.includes('=')) {
      throw usageError(
        'the value of a secret is never an argument: process lists show those to everyone',
        `Run "murmur secret set ${name.split('=')[0] ?? ''}" and type the value, or pipe it in.`,
      );
    }
    await warnOfPlainHttp(context);
    const plaintext = await readSecretValue(context, name);
    const client = await context.connect();
    const description = flags.description ?? (await describedAs(client, name));
    const { resource } = await client.setResource({
      kind: 'secret',
      name,
      document: JSON.stringify({ name, ...(description === '' ? {} : { description }) }),
      fields: [{ path: 'plaintext_value', value: { case: 'text', value: plaintext } }],
      ...(flags.ifGeneration === undefined ? {} : { ifGeneration: BigInt(flags.ifGeneration) }),
    });
    await printChange(context, flags.output, `Set secret "${name}"`, resource);
  },
});

async function warnOfPlainHttp(context: Context): Promise<void> {
  const { server } = await context.settings();
  if (!server.startsWith('http:') || isLoopback(server)) return;
  context.stderr.write(`murmur: warning: the value travels to ${server} unencrypted; use https\n`);
}

/** A new value is no reason to forget what the secret is for. Empty for a new secret, and for one that the caller may not read. */
async function describedAs(client: MurmurClient, name: string): Promise<string> {
  try {
    const { resource } = await client.getResource({ kind: 'secret', name });
    return resource?.spec.case === 'secret' ? resource.spec.value.description : '';
  } catch (thrown) {
    if (!(thrown instanceof ConnectError)) throw thrown;
    const { code } = MurmurError.from(thrown);
    if (code === 'NOT_FOUND' || code === 'PERMISSION_DENIED') return '';
    throw thrown;
  }
}
