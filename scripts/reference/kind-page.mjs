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
 * @typedef {object} ErrorSection What else can be refused, by the table that the code itself takes its messages from.
 * @property {string} title
 * @property {Record<string, {code: string, documented: string, hint: string}>} table
 */

/**
 * One page with the errors of every kind, and of what is no document.
 * @param {readonly KindDescription[]} kinds
 * @param {readonly ErrorSection[]} others
 * @returns {string}
 */
export function errorsPage(kinds, others) {
  const documents = kinds.filter((kind) => kind.errors.length > 0).map((kind) => `### ${kind.kind}\n\n${errorTable(kind)}`);
  const calls = others.map(({ table: rows, title }) => {
    const errors = Object.values(rows).map(({ code, documented, hint }) => ({ code, message: documented, hint }));
    return `## ${title}\n\n${errorTable({ errors })}`;
  });
  const about = 'When a document has several faults, the first in its table is the message, and all are listed.';
  return `${['# Errors', ...calls, '## Documents', about, ...documents].join('\n\n')}\n`;
}

/**
 * @param {Pick<KindDescription, 'errors'>} kind
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
