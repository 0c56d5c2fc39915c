import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { contents, differences } from './file-sets.mjs';
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
