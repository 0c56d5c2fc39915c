/**
 * @typedef {object} KindDescription As the API describes a kind.
 * @property {string} kind
 * @property {string} summary
 * @property {boolean} readOnly
 * @property {{path: string, type: string, required: string, description: string}[]} fields
 * @property {string} example
 * @property {{code: string, message: string, hint: string}[]} errors
 */

/**
 * The page of one kind.
 * @param {KindDescription} kind
 * @returns {string}
 */
export function kindPage(kind) {
  const parts = [`# ${kind.kind}`, kind.summary];
  if (kind.readOnly) parts.push('Made by the platform; tenants read this kind and cannot write it.');
  const fields = kind.fields.map(({ path, type, required, description }) => [`\`${path}\``, `\`${type}\``, required, description]);
  parts.push('## Fields', table(['Name', 'Type', 'Required', 'Description'], fields));
  if (kind.example !== '') parts.push('## Example', `\`\`\`yaml\n${kind.example.trimEnd()}\n\`\`\``);
  if (kind.errors.length > 0) parts.push('## Errors', errorTable(kind));
  return `${parts.join('\n\n')}\n`;
}

/**
 * One page with the errors of every kind.
 * @param {readonly KindDescription[]} kinds
 * @returns {string}
 */
export function errorsPage(kinds) {
  const sections = kinds.filter((kind) => kind.errors.length > 0).map((kind) => `## ${kind.kind}\n\n${errorTable(kind)}`);
  return `${['# Errors', 'When a document has several faults, the first in its table is the message, and all are listed.', ...sections].join('\n\n')}\n`;
}

/**
 * @param {KindDescription} kind
 * @returns {string}
 */
function errorTable(kind) {
  const rows = kind.errors.map(({ code, message, hint }) => [`\`${code}\``, `\`${message}\``, hint]);
  return table(['Code', 'Message', 'What to do'], rows);
}

/**
 * @param {readonly string[]} headers
 * @param {readonly (readonly string[])[]} rows
 * @returns {string}
 */
function table(headers, rows) {
  const line = (/** @type {readonly string[]} */ cells) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
  return [line(headers), line(headers.map(() => '---')), ...rows.map(line)].join('\n');
}
