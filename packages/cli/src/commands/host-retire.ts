import { RetireHostResponseSchema } from '@murmur/api';

import { defineCommand } from '../define-command.js';
import { outputFlag, type OutputFlags } from '../output/output-flag.js';
import { textArgument } from '../parameters.js';

/** `murmur host retire`. */
export const command = defineCommand<OutputFlags, [host: string]>({
  usage: '[flags] <host>',
  description:
    'Says that a host is gone for good. The images that lay there are missing from then on, and their next bakes build them again;\nthe bakes that waited for it begin anew on another host. A host that comes back all the same has its images again. Operators only.',
  examples: [
    { brief: 'A machine that broke', line: 'murmur host retire build-3' },
    { brief: 'One of several of that name', line: 'murmur host retire 5f0c1a9be2d34c77' },
  ],
  completes: ['host'],
  parameters: {
    flags: { output: outputFlag },
    aliases: { o: 'output' },
    positional: { kind: 'tuple', parameters: [textArgument('host', 'Its name or id, as in murmur host ls')] },
  },
  async run(context, flags, host) {
    const client = await context.connect();
    const retired = await client.retireHost({ host });
    const format = flags.output ?? 'table';
    if (format !== 'table') {
      const { messageToDocument, renderDocument } = await import('../output/document.js');
      context.stdout.write(renderDocument(format, messageToDocument(RetireHostResponseSchema, retired)));
      return;
    }
    context.stdout.write(`Retired host "${host}"\n`);
    context.stderr.write(`${counted(retired.images, 'image')} missing now, ${counted(retired.bakes, 'bake')} begun anew\n`);
  },
});

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
