import { type PlacementFinding, PlacementFinding_Outcome as Outcome, PlacementFindingSchema } from '@murmur/api';

import { defineCommand } from '../define-command.js';
import { outputFlag, type OutputFlags } from '../output/output-flag.js';
import { renderTable } from '../output/table.js';
import { textArgument } from '../parameters.js';

/** `murmur placement check`. */
export const command = defineCommand<OutputFlags, [name: string]>({
  usage: '[flags] <name>',
  description:
    'Looks whether a bake at a placement would find what it needs: rights, networks, base images. It makes nothing, and says what\nto do about what is missing. Exits with 1 when something is.',
  examples: [{ brief: 'Before the first bake at a placement', line: 'murmur placement check us-east-1' }],
  parameters: {
    flags: { output: outputFlag },
    aliases: { o: 'output' },
    positional: { kind: 'tuple', parameters: [textArgument('name', 'The placement')] },
  },
  completes: ['placement'],
  async run(context, flags, name) {
    const client = await context.connect();
    const { findings } = await client.checkPlacement({ name });
    const format = flags.output ?? 'table';
    if (format === 'table') {
      context.stdout.write(renderTable(['check', 'result', 'found', 'what to do'], findings.map(rowOf)));
    } else {
      const { messageToDocument, renderDocument } = await import('../output/document.js');
      context.stdout.write(
        renderDocument(
          format,
          findings.map((finding) => messageToDocument(PlacementFindingSchema, finding)),
        ),
      );
    }
    if (findings.some(({ outcome }) => outcome === Outcome.FAILED)) context.exitCode = 1;
  },
});

function rowOf({ check, found, outcome, remedy }: PlacementFinding): string[] {
  return [check, Outcome[outcome].replace('_', ' '), found, remedy];
}
