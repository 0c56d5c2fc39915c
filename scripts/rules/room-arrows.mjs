import { posix } from 'node:path';

import { importsOf } from './imports.mjs';

/** @typedef {import('./source-files.mjs').SourceFile} SourceFile */
/** @typedef {import('./imports.mjs').ImportOf} ImportOf */

/**
 * Which package may import which.
 * @type {Record<string, string[]>}
 */
const packageArrows = { api: [], server: ['api'], cli: ['api'], dashboard: ['api'], emulators: ['api', 'server'] };

/** `murmur server` alone loads the server, on demand, so that every other command starts without it. */
const serverOnDemand = 'packages/cli/src/commands/server';

/** What a bake may know of substrates: the port, and how the keys it takes are made. */
const substratePort = ['substrates/substrate.ts', 'substrates/guest-keys.ts'];

/**
 * Which room of the server may import which, or which single file of it. `substrates` is the port, the guest channel and
 * what the substrates share; `substrates/*` is any one substrate, `substrates/cloud` what those on clouds share.
 * @type {Record<string, string[]>}
 */
const roomArrows = {
  http: ['access', 'catalog', 'bake', 'database', 'host'],
  bake: ['access', 'catalog', 'secrets', ...substratePort, 'database', 'host'],
  access: ['catalog', 'secrets', 'database', 'host'],
  configuration: ['access', 'catalog', 'secrets', 'host'],
  catalog: ['secrets', 'database', 'host'],
  secrets: ['database', 'host'],
  database: ['host'],
  host: [],
  substrates: ['host'],
  'substrates/*': ['substrates', 'substrates/cloud', 'host'],
};

/** Files only tests load. They may reach into any room, and nothing that ships may import them. */
const forTests =
  /\.test\.tsx?$|\/testing(-[a-z-]+)?\.ts$|\/testing\/|\/conformance(-[a-z-]+)?\.ts$|\/describe-kind\.ts$|\/qemu\/tiny(\/.*)?\.ts$/;

/**
 * Every import that goes against the arrows between packages and between the server's rooms.
 * @param {readonly SourceFile[]} files
 * @returns {string[]}
 */
export function wrongArrows(files) {
  return files
    .filter((file) => /^packages\/[^/]+\/src\/.*\.tsx?$/.test(file.path))
    .flatMap((file) =>
      importsOf(file.text).flatMap((imported) => {
        const problem = problemOf(file.path, imported);
        return problem === undefined ? [] : [`${file.path}:${imported.line}: ${problem}`];
      }),
    );
}

/**
 * @param {string} path
 * @param {ImportOf} imported
 * @returns {string | undefined}
 */
function problemOf(path, imported) {
  const { specifier } = imported;
  if (specifier === undefined) return 'imports a computed module name, which no rule can follow';
  const [, from = ''] = path.split('/');
  if (from !== 'emulators' && /^@murmur\/.*\/testing(-[a-z-]+)?$/.test(specifier) && !forTests.test(path))
    return `imports ${specifier}, which is for tests only`;
  if (specifier.startsWith('@murmur/')) return packageProblem(path, from, specifier.split('/')[1] ?? '', imported);
  if (!specifier.startsWith('.')) return undefined;
  const target = posix.join(posix.dirname(path), specifier).replace(/\.js$/, '.ts');
  if (!target.startsWith(`packages/${from}/`)) return `reaches out of its package to ${target}`;
  if (forTests.test(path)) return undefined;
  if (forTests.test(target)) return `imports ${target}, which is for tests only`;
  return from === 'server' ? roomProblem(path, target) : undefined;
}

/**
 * @param {string} path
 * @param {string} from
 * @param {string} to
 * @param {ImportOf} imported
 * @returns {string | undefined}
 */
function packageProblem(path, from, to, imported) {
  if (to === from || packageArrows[from]?.includes(to)) return undefined;
  if (from === 'cli' && to === 'server' && imported.way === 'dynamic' && path.startsWith(serverOnDemand)) return undefined;
  return `package ${from} may not import ${to}`;
}

/**
 * @param {string} path
 * @param {string} target
 * @returns {string | undefined}
 */
function roomProblem(path, target) {
  const from = roomOf(path);
  const to = roomOf(target);
  // Files beside main.ts belong to it: the composition root alone knows every room.
  if (from === 'main' || from === to) return undefined;
  if (to === 'main') return `room ${from} may not import the composition root's ${target}`;
  const allowed = roomArrows[from] ?? roomArrows[from.replace(/\/.*/, '/*')];
  if (allowed === undefined) return `is in a room no arrow is known for: ${from}`;
  const file = target.slice('packages/server/src/'.length);
  return allowed.includes(to) || allowed.includes(file) ? undefined : `room ${from} may not import ${file}`;
}

/**
 * @param {string} path
 * @returns {string}
 */
function roomOf(path) {
  const [room = '', inner = '', ...rest] = path.slice('packages/server/src/'.length).split('/');
  // The registry is the composition root's list of substrates: it knows them all by name, and nobody else knows it.
  if (inner === '' || (room === 'substrates' && inner === 'registry.ts')) return 'main';
  return room === 'substrates' && rest.length > 0 ? `substrates/${inner}` : room;
}
