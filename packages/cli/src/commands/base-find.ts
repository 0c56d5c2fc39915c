import { Architecture, FoundBaseSchema } from '@murmur/api';

import { defineCommand } from '../define-command.js';
import { outputFlag, type OutputFlags } from '../output/output-flag.js';
import { renderTable } from '../output/table.js';

type Flags = OutputFlags & { readonly placement: string };

/** `murmur base find`. */
export const command = defineCommand<Flags, []>({
  usage: '--placement <name> [flags]',
  description:
    "Lists the images that Debian and Ubuntu publish where a placement is: the newest of each release and architecture, by the\naccounts that only they publish from. Name one as an image's source for recipes to start from.",
  examples: [{ brief: 'What a base image in that region can stand on', line: 'murmur base find --placement us-east-1' }],
  parameters: {
    flags: {
      output: outputFlag,
      placement: { kind: 'parsed', parse: String, placeholder: 'NAME', brief: 'The placement whose region is looked at' },
    },
    aliases: { o: 'output' },
  },
  async run(context, flags) {
    const client = await context.connect();
    const { bases } = await client.findBases({ placement: flags.placement });
    const format = flags.output ?? 'table';
    if (format === 'table') {
      const rows = bases.map((one) => [one.publisher, one.id, Architecture[one.architecture], one.published, one.name]);
      context.stdout.write(renderTable(['publisher', 'id', 'architecture', 'published', 'name'], rows));
      return;
    }
    const { messageToDocument, renderDocument } = await import('../output/document.js');
    context.stdout.write(
      renderDocument(
        format,
        bases.map((one) => messageToDocument(FoundBaseSchema, one)),
      ),
    );
  },
});
