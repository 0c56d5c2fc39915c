/** @typedef {import('./source-files.mjs').SourceFile} SourceFile */

const longest = 400;
const sayingNothing = /^(utils?|helpers?|common|misc|managers?)$/;

/**
 * Files longer than anyone reads in one sitting.
 * @param {readonly SourceFile[]} files
 * @returns {string[]}
 */
export function tooLong(files) {
  return files.flatMap((file) => {
    const lines = file.text.split('\n').length - (file.text.endsWith('\n') ? 1 : 0);
    return lines > longest ? [`${file.path}: ${lines} lines, at most ${longest}`] : [];
  });
}

/**
 * Files and folders whose names say nothing about what is in them, or are not kebab-case.
 * @param {readonly SourceFile[]} files
 * @returns {string[]}
 */
export function badNames(files) {
  return files.flatMap((file) =>
    file.path.split('/').flatMap((part, index) => {
      const stem = part.replace(/\..*$/, '');
      if (stem === '') return [];
      if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(stem)) return [`${file.path}: "${part}" is not kebab-case`];
      const words = index === 0 ? [] : stem.split('-');
      return words.some((word) => sayingNothing.test(word)) ? [`${file.path}: "${part}" does not say what is in it`] : [];
    }),
  );
}
