import { BakeSchema } from '@murmur/api';

import { defineCommand } from '../define-command.js';
import { bakeRow, bakeHeaders } from '../output/bake-row.js';
import { outputFlag } from '../output/output-flag.js';
import { filterWords, type PageFlags, pageFlags, printList } from '../output/print-list.js';
import { renderTable } from '../output/table.js';

type Flags = PageFlags & {
  readonly all: boolean;
  readonly recipe?: string;
  readonly environment?: string;
  readonly placement?: string;
  readonly fullHash: boolean;
};

const mostPerPage = 100;
const text = { kind: 'parsed', parse: String, optional: true } as const;

/** `murmur bakes ls`. */
export const command = defineCommand<Flags, []>({
  usage: '[flags]',
  description: 'Lists bakes, newest first.',
  examples: [
    { brief: 'What is running now', line: 'murmur bakes ls --all=false' },
    { brief: 'The bakes of one recipe, with whole hashes', line: 'murmur bakes ls --recipe hello --full-hash' },
    {
      brief: 'Every failed bake of a recipe, for a program',
      line: 'murmur bakes ls --recipe hello -o json | jq \'.[] | select(.phase == "failed")\'',
    },
  ],
  parameters: {
    flags: {
      all: { kind: 'boolean', default: true, brief: 'Ended bakes too; --all=false lists running ones only' },
      recipe: { ...text, placeholder: 'NAME', brief: 'Only bakes of this recipe' },
      environment: { ...text, placeholder: 'NAME', brief: 'Only bakes in this environment' },
      placement: { ...text, placeholder: 'NAME', brief: 'Only bakes at this placement' },
      fullHash: { kind: 'boolean', default: false, withNegated: false, brief: 'Print all 64 characters of hashes' },
      ...pageFlags(mostPerPage, 25),
      output: outputFlag,
    },
    aliases: { o: 'output' },
  },
  async run(context, flags) {
    const client = await context.connect();
    const { all, environment, fullHash, placement, recipe } = flags;
    const { messageToDocument } = await import('../output/document.js');
    await printList(context, flags, {
      command: ['bakes', 'ls', ...(all ? [] : ['--all=false']), ...filterWords({ recipe, environment, placement, 'full-hash': fullHash })],
      name: 'bakes',
      most: mostPerPage,
      standard: 25,
      async page(request) {
        const { bakes, nextPageToken } = await client.listBakes({
          ...request,
          runningOnly: !all,
          recipe: recipe ?? '',
          environment: environment ?? '',
          placement: placement ?? '',
        });
        return { items: bakes, nextPageToken };
      },
      table: (bakes) =>
        renderTable(
          bakeHeaders,
          bakes.map((bake) => bakeRow(bake, fullHash ? 'full' : 'short')),
        ),
      document: (bake) => messageToDocument(BakeSchema, bake),
    });
  },
});
