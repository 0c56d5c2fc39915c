import { contextsFile, readContexts, writeContexts } from '../config/contexts.js';
import { serverOrigin } from '../config/server-address.js';
import { defineCommand } from '../define-command.js';
import { usageError } from '../failure.js';
import { textArgument } from '../parameters.js';

/** `murmur context add`. */
export const command = defineCommand<NonNullable<unknown>, [name: string]>({
  usage: '--server <URL> [--tenant <PROVIDER/ORG>] <name>',
  description:
    'Keeps a server, and a tenant if one is given, under a name, in $XDG_CONFIG_HOME/murmur/contexts.json. Keys are not part of it:\nmurmur auth login keeps one for each server. The first context is used at once.',
  examples: [
    {
      brief: 'Two servers',
      line: 'murmur context add prod --server https://murmur.example.com\nmurmur context add here --server http://127.0.0.1:7007',
    },
  ],
  parameters: { positional: { kind: 'tuple', parameters: [textArgument('name', 'What to call it')] } },
  async run(context, _flags, name) {
    const { server, tenant } = context.globals;
    if (server === undefined) throw usageError('--server is required', 'Write: murmur context add NAME --server URL');
    if (!/^[\w.-]{1,63}$/.test(name)) throw usageError(`context name "${name}" must be letters, digits, ".", "_" and "-"`);
    const file = contextsFile(context);
    const { contexts, current } = await readContexts(file);
    const added = { server: serverOrigin(server), ...(tenant === undefined ? {} : { tenant }) };
    await writeContexts(file, { current: current ?? name, contexts: { ...contexts, [name]: added } });
    context.stdout.write(`Added context "${name}"\n`);
  },
});
