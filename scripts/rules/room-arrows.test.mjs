import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { expect, test } from 'vitest';

import { wrongArrows } from './room-arrows.mjs';
import { sourceFiles } from './source-files.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const server = 'packages/server/src';
const importing = (path, specifier) => wrongArrows([{ path, text: `import { thing } from '${specifier}';\n` }]);

test.each([
  [
    'a bake importing one substrate',
    `${server}/bake/starting/start.ts`,
    '../../substrates/qemu/index.js',
    'room bake may not import substrates/qemu/index.ts',
  ],
  [
    'a bake importing the guest channel',
    `${server}/bake/workflow/steps/launch.ts`,
    '../../../substrates/ssh.js',
    'room bake may not import substrates/ssh.ts',
  ],
  ['the catalog importing a bake', `${server}/catalog/read.ts`, '../bake/runs.js', 'room catalog may not import bake/runs.ts'],
  [
    'the catalog importing access',
    `${server}/catalog/verbs/get.ts`,
    '../../access/tokens.js',
    'room catalog may not import access/tokens.ts',
  ],
  ['anything importing http', `${server}/bake/starting/start.ts`, '../../http/identity.js', 'room bake may not import http/identity.ts'],
  [
    'anything importing main',
    `${server}/http/listen.ts`,
    '../main.js',
    "room http may not import the composition root's packages/server/src/main.ts",
  ],
  [
    'one substrate importing another',
    `${server}/substrates/aws/launch.ts`,
    '../qemu/disk.js',
    'room substrates/aws may not import substrates/qemu/disk.ts',
  ],
  [
    'http importing a substrate',
    `${server}/http/base-service.ts`,
    '../substrates/substrate.js',
    'room http may not import substrates/substrate.ts',
  ],
  ['a room nobody drew', `${server}/billing/charge.ts`, '../bake/runs.js', 'is in a room no arrow is known for: billing'],
  [
    'what ships importing what tests',
    `${server}/bake/starting/start.ts`,
    '../../database/testing.js',
    `imports ${server}/database/testing.ts, which is for tests only`,
  ],
  [
    "what ships importing another package's tests",
    `${server}/access/oidc.ts`,
    '@murmur/api/testing-issuer',
    'imports @murmur/api/testing-issuer, which is for tests only',
  ],
  ['the API importing the server', 'packages/api/src/names.ts', '@murmur/server', 'package api may not import server'],
  ['the CLI importing the server statically', 'packages/cli/src/commands/server.ts', '@murmur/server', 'package cli may not import server'],
  [
    'a path into another package',
    'packages/cli/src/main.ts',
    '../../api/src/error.js',
    'reaches out of its package to packages/api/src/error.ts',
  ],
])('%s is refused', (_, path, specifier, problem) => {
  expect(importing(path, specifier)).toEqual([`${path}:1: ${problem}`]);
});

test.each([
  [`${server}/bake/starting/start.ts`, '../../substrates/substrate.js'],
  [`${server}/bake/starting/start.ts`, '../../catalog/read.js'],
  [`${server}/http/bake-service.ts`, '../bake/bakery.js'],
  [`${server}/access/authenticate.ts`, '../database/tables.js'],
  [`${server}/substrates/qemu/launch.ts`, '../ssh.js'],
  [`${server}/main.ts`, './substrates/registry.js'],
  [`${server}/substrates/registry.ts`, './qemu/index.js'],
  [`${server}/bake/start.test.ts`, '../substrates/qemu/index.js'],
  ['packages/cli/src/main.ts', '@murmur/api'],
])('%s may import %s', (path, specifier) => {
  expect(importing(path, specifier)).toEqual([]);
});

test('the CLI loads the server on demand in its server command alone', () => {
  const text = "export const load = () => import('@murmur/server');\n";
  expect(wrongArrows([{ path: 'packages/cli/src/commands/server.ts', text }])).toEqual([]);
  expect(wrongArrows([{ path: 'packages/cli/src/commands/get.ts', text }])).toHaveLength(1);
});

test('re-exports, imports for their effect, type imports and computed names are seen', () => {
  const text = [
    "export * from '../bake/runs.js';",
    "import '../bake/runs.js';",
    'import type {',
    '  Run,',
    "} from '../bake/runs.js';",
    'const loaded = await import(name);',
  ].join('\n');
  expect(wrongArrows([{ path: `${server}/catalog/read.ts`, text }])).toHaveLength(4);
});

test('the whole tree keeps to the arrows', () => {
  expect(wrongArrows(sourceFiles(root))).toEqual([]);
});
