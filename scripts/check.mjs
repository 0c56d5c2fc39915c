#!/usr/bin/env node
// `npm run check`: everything that can be said about the tree without running it. `--report FILE` leaves the counts as JSON.
import { writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { command, rule, runChecks } from './checks/run-checks.mjs';
import { generatedCodeDrift } from './checks/generated-code.mjs';
import { booleanParameters, undocumentedExports } from './rules/documented-exports.mjs';
import { badNames, tooLong } from './rules/file-shape.mjs';
import { wrongArrows } from './rules/room-arrows.mjs';
import { unheardErrors } from './rules/stream-errors.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { values } = parseArgs({ options: { report: { type: 'string' } } });

const outcome = await runChecks(root, [
  command('types', 'tsc -b'),
  command('lint', 'oxlint', { after: 'types' }),
  command('format', 'oxfmt --check', { hint: 'npm run fix' }),
  command('unused code and dependencies', 'knip --no-progress', { after: 'types' }),
  command('API definitions', 'buf lint'),
  generatedCodeDrift({ hint: 'npm run generate' }),
  command('generated reference', 'node scripts/generate-reference.mjs --check', { after: 'types', hint: 'npm run generate' }),
  rule('arrows between rooms', wrongArrows),
  rule('files of at most 400 lines', tooLong),
  rule('file names', badNames),
  rule('doc comments on exports', undocumentedExports),
  rule('no bare boolean parameters', booleanParameters),
  rule('no stream whose errors nobody hears', unheardErrors),
]);

if (values.report !== undefined) writeFileSync(values.report, `${JSON.stringify(outcome)}\n`);
process.exitCode = outcome.failed === 0 ? 0 : 1;
