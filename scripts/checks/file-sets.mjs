import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The files below a folder: path to text.
 * @param {string} top
 * @returns {Map<string, string>}
 */
export function contents(top) {
  /** @type {Map<string, string>} */
  const found = new Map();
  const walk = (/** @type {string} */ inner) => {
    if (!existsSync(join(top, inner))) return;
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
