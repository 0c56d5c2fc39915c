import { expect, test } from 'vitest';

import { booleanParameters, undocumentedExports } from './documented-exports.mjs';
import { badNames, tooLong } from './file-shape.mjs';

const path = 'packages/server/src/bake/starting/start.ts';
const containing = (text) => [{ path, text }];

test('a file of 400 lines passes and one of 401 does not', () => {
  expect(tooLong(containing('line\n'.repeat(400)))).toEqual([]);
  expect(tooLong(containing('line\n'.repeat(401)))).toEqual([`${path}: 401 lines, at most 400`]);
});

test.each(['utils.ts', 'key-helper.ts', 'common/keys.ts', 'Bake.ts', 'start_bake.ts'])('the name %s is refused', (name) => {
  expect(badNames([{ path: `packages/server/src/${name}`, text: '' }])).toHaveLength(1);
});

test.each(['start.ts', '0001-first.sql', 'start.test.ts', 'v1/service.proto'])('the name %s passes', (name) => {
  expect(badNames([{ path: `packages/server/src/${name}`, text: '' }])).toEqual([]);
});

test('an export without a doc comment is named with its line', () => {
  const text = '/** Starts. */\nexport function start(): void {}\n\nexport const limit = 3;\n';
  expect(undocumentedExports(containing(text))).toEqual([`${path}:4: limit has no doc comment`]);
});

test('the later signatures of an overloaded function share the comment of the first', () => {
  const text = '/** Starts. */\nexport function start(one: string): void;\nexport function start(one: number): void {}\n';
  expect(undocumentedExports(containing(text))).toEqual([]);
});

test('a bare boolean is refused, and an option that is one passes', () => {
  const bare = '/** Starts. */\nexport async function start(name: string, force: boolean): Promise<void> {}\n';
  const option = '/** Starts. */\nexport function start(options: { force: boolean }, done: (ok: boolean) => void): void {}\n';
  expect(booleanParameters(containing(bare))).toEqual([`${path}:2: start takes "force: boolean"`]);
  expect(booleanParameters(containing(option))).toEqual([]);
});
