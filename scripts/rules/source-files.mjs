import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

const skippedFolders = new Set(['node_modules', 'dist', 'gen', '.git', '.murmur', 'coverage']);
const codeEndings = /\.(ts|tsx|js|mjs|sh|sql|proto)$/;

/**
 * @typedef {object} SourceFile
 * @property {string} path From the root, with forward slashes.
 * @property {string} text
 */

/**
 * Every file of code written by hand below `root`: by its ending, or by its `#!` line when it has none.
 * @param {string} root
 * @returns {SourceFile[]}
 */
export function sourceFiles(root) {
  /** @type {SourceFile[]} */
  const found = [];
  const walk = (/** @type {string} */ folder) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const full = join(folder, entry.name);
      if (entry.isDirectory() && !skippedFolders.has(entry.name)) walk(full);
      if (!entry.isFile() || (entry.name.includes('.') && !codeEndings.test(entry.name))) continue;
      const text = readFileSync(full, 'utf8');
      if (codeEndings.test(entry.name) || text.startsWith('#!')) found.push({ path: relative(root, full).replaceAll('\\', '/'), text });
    }
  };
  walk(root);
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}
