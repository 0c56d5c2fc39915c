import { type ApplyResult, ApplyResult_Outcome as Outcome } from '@murmur/api';

import { defineCommand } from '../define-command.js';
import { usageError } from '../failure.js';
import { filesAliases, filesFlags, readSources, type SourceDocument } from '../input/apply-sources.js';
import { outputFlag, type OutputFlags } from '../output/output-flag.js';

type Flags = OutputFlags & {
  readonly file?: readonly string[];
  readonly recursive: boolean;
  readonly dryRun: boolean;
};

/** `murmur apply`. */
export const command = defineCommand<Flags>({
  usage: '[--dry-run] [-R] [-o FORMAT] -f <FILE|FOLDER|->…',
  description:
    'Creates and replaces many resources at once, in one transaction: all of them, or none if anything is wrong with one.\n' +
    'Each document has its `kind` beside its own fields; `---` stands between documents. What others refer to is written\n' +
    'first, so their order does not matter. Nothing is deleted. `murmur export` prints such documents.',
  examples: [
    {
      brief: 'An image and a recipe that starts from it',
      line: 'murmur apply -f debian.yaml -f hello.yaml',
    },
    { brief: 'See what a folder of files would change', line: 'murmur apply --dry-run -f catalog/' },
    { brief: 'A folder with all folders in it, and one more file', line: 'murmur apply -R -f catalog/ -f extra.json' },
    { brief: 'Copy a tenant to that of another key', line: 'murmur export | MURMUR_API_KEY="$OTHER_KEY" murmur apply -f -' },
  ],
  parameters: {
    flags: {
      output: outputFlag,
      ...filesFlags,
      dryRun: { kind: 'boolean', default: false, withNegated: false, brief: 'Check everything on the server, change nothing' },
    },
    aliases: { o: 'output', ...filesAliases },
    positional: { kind: 'tuple', parameters: [] },
  },
  async run(context, flags) {
    const paths = flags.file ?? [];
    if (paths.length === 0) throw usageError('-f is required', 'Name a file, a folder, or - for standard input.');
    const documents = await readSources(context, paths, flags);
    const client = await context.connect();
    const { results } = await client.applyResources({ documents, dryRun: flags.dryRun });
    for (const origin of withSecretValues(documents)) {
      context.stderr.write(`${origin} holds the value of a secret in clear; \`murmur secret set\` keeps it out of files\n`);
    }
    const format = flags.output ?? 'table';
    if (format === 'table') {
      for (const result of results) context.stdout.write(`${lineOf(result)}${flags.dryRun ? ' (dry run)' : ''}\n`);
      return;
    }
    const { renderDocument } = await import('../output/document.js');
    context.stdout.write(renderDocument(format, results.map(documentOf)));
  },
});

function withSecretValues(documents: readonly SourceDocument[]): string[] {
  const isSecret = /\bkind["']?\s*:\s*["']?secret\b/;
  const value = /\bplaintext_?value["']?\s*:/i;
  return documents.filter(({ text }) => isSecret.test(text) && value.test(text)).map(({ origin }) => origin);
}

function lineOf({ kind, name, outcome }: ApplyResult): string {
  return `${kind} "${name}" ${Outcome[outcome].toLowerCase()}`;
}

function documentOf({ kind, name, outcome, generation }: ApplyResult): Record<string, unknown> {
  return { kind, name, outcome: Outcome[outcome].toLowerCase(), generation: Number(generation) };
}
