import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { shellWords } from '@murmur/api';

import { kindArgument, withKindHint } from '../client/kinds.js';
import type { Context } from '../context.js';
import { defineCommand } from '../define-command.js';
import { CliError } from '../failure.js';
import { renderDocument, resourceToDocument } from '../output/document.js';
import { textArgument } from '../parameters.js';

/** `murmur edit`. */
export const command = defineCommand<NonNullable<unknown>, [kind: string, name: string]>({
  usage: '<kind> <name>',
  description:
    'Opens a resource in your editor ($VISUAL, $EDITOR, or vi) and writes it back when you leave it, unless somebody else has\nchanged it meanwhile. What the server refuses is kept in a file, so that nothing of your work is lost.',
  examples: [
    { brief: 'Change a recipe', line: 'murmur edit recipe hello' },
    { brief: 'In another editor', line: "EDITOR='code --wait' murmur edit recipe hello" },
  ],
  parameters: { positional: { kind: 'tuple', parameters: [kindArgument('The kind of the resource'), textArgument('name', 'Its name')] } },
  completes: ['kind', 'name'],
  async run(context, _flags, kind, name) {
    const client = await context.connect();
    const { resource } = await withKindHint(kind, client.getResource({ kind, name }));
    if (resource === undefined) return;
    const before = renderDocument('yaml', resourceToDocument(resource));
    const folder = await mkdtemp(join(tmpdir(), 'murmur-edit-'));
    const file = join(folder, `${name}.yaml`);
    await writeFile(file, before, { mode: 0o600, flag: 'wx' });
    await runEditor(context, file);
    const document = await readFile(file, 'utf8');
    if (document === before || document.trim() === '') {
      await rm(folder, { recursive: true });
      context.stderr.write('Nothing changed\n');
      return;
    }
    try {
      await client.setResource({ kind, name, document });
    } catch (thrown) {
      context.stderr.write(
        `Your version is in ${file}; mend it and write it with: ${shellWords(['murmur', 'set', kind, name, '-f', file])}\n`,
      );
      throw thrown;
    }
    await rm(folder, { recursive: true });
    context.stdout.write(`Set ${kind} "${name}"\n`);
  },
});

/** Runs the user's editor on a file, on this terminal. The variable may hold flags, as git and others take it. */
async function runEditor({ env }: Context, file: string): Promise<void> {
  const editor = [env['VISUAL'], env['EDITOR']].find((value) => value !== undefined && value !== '') ?? 'vi';
  const child = spawn('sh', ['-c', `${editor} "$@"`, 'sh', file], { stdio: 'inherit' });
  const code = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('exit', resolve));
  if (code !== 0)
    throw new CliError('FAILED_PRECONDITION', `the editor "${editor}" failed`, {
      hint: `Name another one in EDITOR. The resource is in ${file}.`,
    });
}
