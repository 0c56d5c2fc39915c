import { ConnectError } from '@connectrpc/connect';
import { MurmurError, type Resource } from '@murmur/api';

import type { MurmurClient } from '../client/connect.js';
import { defineCommand } from '../define-command.js';
import { readSecretValue, valueAsArgument } from '../input/secret-value.js';
import { outputFlag, type OutputFlags } from '../output/output-flag.js';
import { printChange } from '../output/resource-result.js';
import { ifGenerationOf, textArgument, wholeNumber } from '../parameters.js';

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
    if (value !== undefined || name.includes('=')) throw valueAsArgument(name.split('=')[0] ?? '');
    // First: nobody should type a value that will not be sent.
    const client = await context.connect();
    const plaintext = await readSecretValue(context, name);
    const resource = await writeSecret(client, name, { ...flags, plaintext });
    await printChange(context, flags.output, `Set secret "${name}"`, resource);
  },
});

type Write = Pick<Flags, 'description' | 'ifGeneration'> & { readonly plaintext: string };

/**
 * Changes the value, and the description only if one is given: read and written back, it would undo what somebody else writes
 * in between, or be lost to a caller who may not read it. A secret that is not there yet is created.
 */
async function writeSecret(client: MurmurClient, name: string, { description, plaintext, ...rest }: Write): Promise<Resource | undefined> {
  const value = { path: 'plaintext_value', value: { case: 'text', value: plaintext } } as const;
  const about = description === undefined ? [] : [{ path: 'description', value: { case: 'text', value: description } } as const];
  const target = { kind: 'secret', name, fields: [value, ...about], ...ifGenerationOf(rest) };
  const isMeantAsNew = rest.ifGeneration === 0;
  try {
    if (!isMeantAsNew) return (await client.patchResource(target)).resource;
  } catch (thrown) {
    // Whoever may only create secrets is not told which there are.
    const mayBeNew = thrown instanceof ConnectError && ['NOT_FOUND', 'PERMISSION_DENIED'].includes(MurmurError.from(thrown).code);
    if (!mayBeNew || rest.ifGeneration !== undefined) throw thrown;
  }
  return (await client.setResource({ ...target, document: JSON.stringify({ name }) })).resource;
}
