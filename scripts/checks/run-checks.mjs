import { spawn } from 'node:child_process';
import { delimiter, join } from 'node:path';

import { sourceFiles } from '../rules/source-files.mjs';

/** @typedef {import('../rules/source-files.mjs').SourceFile} SourceFile */

/**
 * @typedef {object} Check
 * @property {string} name
 * @property {string} [after] The check that must have ended before, passed or not.
 * @property {string} [hint] The command that mends it.
 * @property {(root: string) => Promise<string | undefined>} run What is wrong, or undefined.
 */

/**
 * A check that is a command line: it fails when the command does, with the command's output.
 * @param {string} name
 * @param {string} line Words parted by single spaces.
 * @param {Pick<Check, 'after' | 'hint'>} [options]
 * @returns {Check}
 */
export function command(name, line, options = {}) {
  return { name, ...options, run: (root) => failureOf(root, line.split(' ')) };
}

/**
 * A check that is a function over the source files: it fails when that finds problems.
 * @param {string} name
 * @param {(files: readonly SourceFile[]) => string[]} find
 * @returns {Check}
 */
export function rule(name, find) {
  return {
    name,
    run: (root) => {
      const problems = find(sourceFiles(root));
      return Promise.resolve(problems.length === 0 ? undefined : problems.join('\n'));
    },
  };
}

/**
 * Runs a command in `root` with the project's own tools first on its path.
 * @param {string} root
 * @param {readonly string[]} words
 * @returns {Promise<string | undefined>} Its output when it failed.
 */
export function failureOf(root, words) {
  const [program = '', ...args] = words;
  const path = `${join(root, 'node_modules/.bin')}${delimiter}${process.env.PATH ?? ''}`;
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd: root, env: { ...process.env, PATH: path }, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.on('error', (error) => resolve(`${program} could not be started: ${error.message}`));
    child.on('close', (code, signal) => resolve(code === 0 ? undefined : output.trim() || `${program} ended with ${code ?? signal}`));
  });
}

/**
 * Runs all checks at once, as far as their order allows, and prints one line for each as it ends, and then what is wrong.
 * @param {string} root
 * @param {readonly Check[]} checks
 * @returns {Promise<{passed: number, failed: number, failures: string[]}>}
 */
export async function runChecks(root, checks) {
  const started = performance.now();
  /** @type {Map<string, Promise<{check: Check, problem: string | undefined}>>} */
  const running = new Map();
  for (const check of checks) {
    running.set(check.name, runOne(root, check, check.after === undefined ? undefined : running.get(check.after)));
  }
  const ended = await Promise.all(running.values());
  const failures = ended.filter((one) => one.problem !== undefined);
  for (const { check, problem } of failures) {
    console.log(`\n${check.name}\n\n${indent(problem ?? '')}`);
    if (check.hint !== undefined) console.log(`\n  Run: ${check.hint}`);
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`\nChecks: ${ended.length - failures.length} passed, ${failures.length} failed, in ${seconds} s`);
  return { passed: ended.length - failures.length, failed: failures.length, failures: failures.map(({ check }) => check.name) };
}

/**
 * @param {string} root
 * @param {Check} check
 * @param {Promise<unknown> | undefined} before
 * @returns {Promise<{check: Check, problem: string | undefined}>}
 */
async function runOne(root, check, before) {
  await before;
  const started = performance.now();
  const problem = await check.run(root);
  const seconds = `${((performance.now() - started) / 1000).toFixed(1)} s`;
  console.log(`${problem === undefined ? 'ok    ' : 'FAILED'}  ${check.name.padEnd(32)} ${seconds.padStart(7)}`);
  return { check, problem };
}

/**
 * @param {string} text
 * @returns {string}
 */
function indent(text) {
  return text
    .split('\n')
    .map((line) => (line === '' ? '' : `  ${line}`))
    .join('\n');
}
