import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { failureOf } from './run-checks.mjs';

/** @typedef {import('./run-checks.mjs').Check} Check */

const folder = 'packages/api/gen';

/**
 * Generates the API's code afresh beside the tree and compares it with what is committed.
 * @param {Pick<Check, 'hint'>} options
 * @returns {Check}
 */
export function generatedCodeDrift(options) {
  return {
    name: 'generated code',
    ...options,
    run: async (root) => {
      const fresh = mkdtempSync(join(tmpdir(), 'murmur-gen-'));
      try {
        const failure = await failureOf(root, ['buf', 'generate', '--output', fresh]);
        if (failure !== undefined) return failure;
        const stale = differences(contents(join(fresh, folder)), contents(join(root, folder)));
        return stale.length === 0 ? undefined : stale.map((name) => `${folder}/${name} is not what buf generate writes`).join('\n');
      } finally {
        rmSync(fresh, { recursive: true, force: true });
      }
    },
  };
}

/**
 * The files below a folder: path to text.
 * @param {string} top
 * @returns {Map<string, string>}
 */
export function contents(top) {
  /** @type {Map<string, string>} */
  const found = new Map();
  const walk = (/** @type {string} */ inner) => {
    for (const entry of readdirSync(join(top, inner), { withFileTypes: true })) {
      const path = inner === '' ? entry.name : `${inner}/${entry.name}`;
      if (entry.isDirectory()) walk(path);
      else found.set(path, readFileSync(join(top, path), 'utf8'));
    }
  };
  walk('');
  return found;
}

/**
 * The names that only one of two sets of files has, or that differ.
 * @param {ReadonlyMap<string, string>} fresh
 * @param {ReadonlyMap<string, string>} kept
 * @returns {string[]}
 */
export function differences(fresh, kept) {
  return [...new Set([...fresh.keys(), ...kept.keys()])].filter((name) => fresh.get(name) !== kept.get(name)).sort();
}
