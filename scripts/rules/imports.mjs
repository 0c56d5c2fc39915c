// The formatter puts every static import at the start of a line, so none hides from these.
const staticImport = /^(?:import|export)\b[^;'"]*?\bfrom\s*(['"])(?<specifier>[^'"\n]+)\1/gm;
const bareImport = /^import\s*(['"])(?<specifier>[^'"\n]+)\1/gm;
const dynamicImport = /\bimport\(\s*(?:(['"])(?<specifier>[^'"\n]+)\1)?/g;

/**
 * @typedef {object} ImportOf
 * @property {string | undefined} specifier What stands between the quotes; undefined when it is computed.
 * @property {'static' | 'dynamic'} way
 * @property {number} line Counts from one.
 */

/**
 * The modules a source text imports or re-exports from.
 * @param {string} text
 * @returns {ImportOf[]}
 */
export function importsOf(text) {
  const found = (/** @type {RegExp} */ pattern, /** @type {ImportOf['way']} */ way) =>
    [...text.matchAll(pattern)].map((match) => ({
      specifier: match.groups?.specifier,
      way,
      line: text.slice(0, match.index).split('\n').length,
    }));
  return [...found(staticImport, 'static'), ...found(bareImport, 'static'), ...found(dynamicImport, 'dynamic')];
}
