/** @typedef {import('./source-files.mjs').SourceFile} SourceFile */

const declaration =
  /^export (?:declare )?(?:abstract )?(?:async )?(?<sort>function\*?|const|class|interface|type) (?<name>[A-Za-z_$][\w$]*)/gm;

/**
 * Exported declarations without a doc comment. Tests are exempt.
 * @param {readonly SourceFile[]} files
 * @returns {string[]}
 */
export function undocumentedExports(files) {
  return shipped(files).flatMap((file) =>
    [...file.text.matchAll(declaration)].flatMap((match) => {
      const before = file.text.slice(0, match.index).trimEnd();
      // The later signatures of an overloaded function share the first one's comment.
      const overload = new RegExp(`export (?:async )?function ${match.groups?.name}\\b[^{]*;$`).test(before.split('\n\n').at(-1) ?? '');
      if (before.endsWith('*/') || overload) return [];
      return [`${file.path}:${lineOf(file.text, match.index)}: ${match.groups?.name} has no doc comment`];
    }),
  );
}

/**
 * Exported functions that take a bare boolean parameter: at the call, `true` says nothing.
 * @param {readonly SourceFile[]} files
 * @returns {string[]}
 */
export function booleanParameters(files) {
  return shipped(files).flatMap((file) =>
    [...file.text.matchAll(declaration)].flatMap((match) => {
      if (!match.groups?.sort?.startsWith('function')) return [];
      const offending = parametersAfter(file.text, match.index + match[0].length).find((one) => /^\w+\??: boolean\b/.test(one));
      return offending === undefined ? [] : [`${file.path}:${lineOf(file.text, match.index)}: ${match.groups.name} takes "${offending}"`];
    }),
  );
}

/**
 * @param {readonly SourceFile[]} files
 * @returns {SourceFile[]}
 */
function shipped(files) {
  return files.filter((file) => /^packages\/[^/]+\/src\/.*\.tsx?$/.test(file.path) && !/\.test\.tsx?$/.test(file.path));
}

/**
 * The parameters of the list that opens next, as written.
 * @param {string} text
 * @param {number} start
 * @returns {string[]}
 */
function parametersAfter(text, start) {
  const open = text.indexOf('(', start);
  /** @type {string[]} */
  const parameters = [''];
  let depth = 0;
  for (let at = open; at < text.length; at += 1) {
    const character = text[at] ?? '';
    if ('([{'.includes(character)) depth += 1;
    if (')]}'.includes(character)) depth -= 1;
    if (depth === 0) break;
    if (character === ',' && depth === 1) parameters.push('');
    else if (at > open) parameters.push(`${parameters.pop()}${character}`);
  }
  return parameters.map((one) => one.trim());
}

/**
 * @param {string} text
 * @param {number} index
 * @returns {number}
 */
function lineOf(text, index) {
  return text.slice(0, index).split('\n').length;
}
