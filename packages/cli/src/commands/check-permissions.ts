import { defineCommand } from '../define-command.js';
import { outputFlag, type OutputFlags } from '../output/output-flag.js';
import { renderTable } from '../output/table.js';

type Flags = OutputFlags & { readonly resource?: string };

/** `murmur check-permissions`. */
export const command = defineCommand<Flags, [first: string, ...more: string[]]>({
  usage: '[flags] <kind.verb>...',
  description:
    'Says which of these permissions you hold, and through what. Exits 0 when you hold all of them and 1 otherwise.\nThe verbs are read, list, create, edit, delete and assume.',
  examples: [
    { brief: 'May I bake', line: 'murmur check-permissions recipe.edit' },
    { brief: 'On one resource', line: 'murmur check-permissions --resource recipe/hello recipe.read recipe.edit' },
  ],
  parameters: {
    flags: {
      resource: {
        kind: 'parsed',
        parse: String,
        optional: true,
        placeholder: 'KIND/NAME',
        brief: 'Ask for this resource (default: resources of any name)',
      },
      output: outputFlag,
    },
    aliases: { o: 'output' },
    positional: {
      kind: 'array',
      minimum: 1,
      parameter: { parse: String, placeholder: 'kind.verb', brief: 'A permission, such as recipe.edit' },
    },
  },
  async run(context, flags, ...permissions) {
    const client = await context.connect();
    const { checks } = await client.checkPermissions({ permissions, resource: flags.resource ?? '' });
    const format = flags.output ?? 'table';
    if (format === 'table') {
      const rows = checks.map(({ permission, allowed, reason }) => [permission, allowed ? 'yes' : 'no', reason]);
      context.stdout.write(renderTable(['permission', 'allowed', 'reason'], rows));
    } else {
      const { renderDocument } = await import('../output/document.js');
      // Spelt out, because "false" is what a message leaves out.
      const documents = checks.map(({ permission, allowed, reason }) => ({ permission, allowed, reason }));
      context.stdout.write(renderDocument(format, documents));
    }
    if (!checks.every((check) => check.allowed)) context.exitCode = 1;
  },
});
