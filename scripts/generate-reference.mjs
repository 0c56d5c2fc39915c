#!/usr/bin/env node
// Writes docs/reference from the catalog's own descriptions and the command line's own help. `--check` only compares.
// Needs a build: it reads what was compiled.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { runCli } from '../packages/cli/dist/run.js';
import { routes } from '../packages/cli/dist/routes.js';
import { accessErrors, signInErrors } from '../packages/server/dist/access/errors.js';
import { bakeErrors } from '../packages/server/dist/bake/errors.js';
import { describeKinds } from '../packages/server/dist/catalog/verbs/describe.js';
import { awsErrors } from '../packages/server/dist/substrates/aws/errors.js';
import { hostErrors } from '../packages/server/dist/bake/hosts/errors.js';
import { imageCallErrors } from '../packages/server/dist/bake/images/errors.js';
import { guardErrors } from '../packages/server/dist/http/guards/errors.js';
import { contents, differences } from './checks/file-sets.mjs';
import { commandPage } from './reference/command-page.mjs';
import { errorsPage, kindPage } from './reference/kind-page.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(root, 'docs/reference');
/** The tables of what is no document. */
const calls = [
  { title: 'Baking', table: bakeErrors },
  { title: 'Baking on AWS', table: awsErrors },
  { title: 'Trying and exporting images', table: imageCallErrors },
  { title: 'Hosts', table: hostErrors },
  { title: 'Access', table: accessErrors },
  { title: 'Signing in', table: signInErrors },
  { title: 'Any request', table: guardErrors },
];
const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });

const fresh = await pages();
if (values.check) {
  const stale = differences(fresh, contents(folder));
  for (const name of stale) console.error(`docs/reference/${name} is not what the sources say`);
  process.exitCode = stale.length === 0 ? 0 : 1;
} else {
  rmSync(folder, { recursive: true, force: true });
  for (const [name, text] of fresh) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}

/** @returns {Promise<Map<string, string>>} */
async function pages() {
  const { kinds } = describeKinds({}, { kind: '' });
  const commands = await Promise.all(
    routes.map(async (route) => ({ words: route.words, brief: route.brief, help: await helpOf(route.words) })),
  );
  return new Map([
    ['README.md', indexPage(kinds, commands)],
    ['errors.md', errorsPage(kinds, calls)],
    ...kinds.map((kind) => [`kinds/${kind.kind}.md`, kindPage(kind)]),
    ...commands.map((command) => [`commands/${command.words.join('-')}.md`, commandPage(command)]),
  ]);
}

async function helpOf(words) {
  let text = '';
  const write = (chunk) => (text += chunk);
  const code = await runCli([...words, '--help'], {
    stdin: process.stdin,
    stdout: { write },
    stderr: { write },
    env: {},
    cwd: root,
    home: '/nonexistent',
    isRoot: false,
    interruption: () => new AbortController().signal,
  });
  if (code !== 0) throw new Error(`murmur ${words.join(' ')} --help ended with ${code}:\n${text}`);
  return text;
}

function indexPage(kinds, commands) {
  return [
    '# Reference',
    'Written by `npm run generate` from the kinds and the commands themselves; change those, not these pages.',
    `## Kinds\n\n${kinds.map(({ kind, summary }) => `- [${kind}](kinds/${kind}.md): ${summary}`).join('\n')}`,
    `## Commands\n\n${commands.map(({ words, brief }) => `- [murmur ${words.join(' ')}](commands/${words.join('-')}.md): ${brief}`).join('\n')}`,
    '## Errors\n\n- [Every documented error](errors.md)',
    '',
  ]
    .join('\n\n')
    .replace(/\n+$/, '\n');
}
