import { BakeSchema } from '@murmur/api';

import { defineCommand } from '../define-command.js';
import { bakeRow, bakeHeaders } from '../output/bake-row.js';
import { outputFlag, type OutputFlags } from '../output/output-flag.js';
import { renderTable } from '../output/table.js';
import { wholeNumber } from '../parameters.js';

type Flags = OutputFlags & {
  readonly all: boolean;
  readonly recipe?: string;
  readonly environment?: string;
  readonly placement?: string;
  readonly fullHash: boolean;
  readonly pageSize: number;
  readonly pageToken?: string;
};

const text = { kind: 'parsed', parse: String, optional: true } as const;

/** `murmur bakes ls`. */
export const command = defineCommand<Flags, []>({
  usage: '[flags]',
  description: 'Lists bakes, newest first.',
  examples: [
    { brief: 'What is running now', line: 'murmur bakes ls --all=false' },
    { brief: 'The bakes of one recipe, with whole hashes', line: 'murmur bakes ls --recipe hello --full-hash' },
  ],
  parameters: {
    flags: {
      all: { kind: 'boolean', default: true, brief: 'Ended bakes too; --all=false lists running ones only' },
      recipe: { ...text, placeholder: 'NAME', brief: 'Only bakes of this recipe' },
      environment: { ...text, placeholder: 'NAME', brief: 'Only bakes in this environment' },
      placement: { ...text, placeholder: 'NAME', brief: 'Only bakes at this placement' },
      fullHash: { kind: 'boolean', default: false, withNegated: false, brief: 'Print all 64 characters of hashes' },
      pageSize: { kind: 'parsed', parse: wholeNumber(1, 100), default: '25', placeholder: 'N', brief: 'How many to list, from 1 to 100' },
      pageToken: { ...text, placeholder: 'TOKEN', brief: 'Go on where an earlier page ended' },
      output: outputFlag,
    },
    aliases: { o: 'output' },
  },
  async run(context, flags) {
    const client = await context.connect();
    const { bakes, nextPageToken } = await client.listBakes({
      pageSize: flags.pageSize,
      pageToken: flags.pageToken ?? '',
      runningOnly: !flags.all,
      recipe: flags.recipe ?? '',
      environment: flags.environment ?? '',
      placement: flags.placement ?? '',
    });
    const format = flags.output ?? 'table';
    if (format === 'table') {
      const rows = bakes.map((bake) => bakeRow(bake, flags.fullHash ? 'full' : 'short'));
      context.stdout.write(renderTable(bakeHeaders, rows));
    } else {
      const { messageToDocument, renderDocument } = await import('../output/document.js');
      const documents = bakes.map((bake) => messageToDocument(BakeSchema, bake));
      context.stdout.write(renderDocument(format, documents));
    }
    if (nextPageToken !== '') context.stderr.write(`More with: murmur bakes ls --page-token ${nextPageToken}\n`);
  },
});
