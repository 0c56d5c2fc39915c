import { type DocumentText, jsonValues } from './json-values.js';

/**
 * The documents of a file: YAML documents between lines of `---`, a JSON list of documents, or JSON documents one after the
 * other. What is in them is for the server to say; those without anything but comments are left out.
 */
export function splitDocuments(text: string): DocumentText[] {
  return jsonValues(text) ?? yamlDocuments(text);
}

// Such a line is a border wherever it stands: YAML allows it in no text, quoted or not.
const start = /^---(?:\s|$)/;
const end = /^\.\.\.(?:\s|$)/;
/** What may stand before the `---` of the same document. */
const preamble = /^\s*(?:$|#|%)/;
const nothing = /^(?:---|\.\.\.)?\s*(?:$|#)/;

function yamlDocuments(text: string): DocumentText[] {
  const documents: { lines: string[]; line: number }[] = [];
  let current = { lines: [] as string[], line: 1 };
  const begin = (line: number) => {
    documents.push(current);
    current = { lines: [], line };
  };
  for (const [index, content] of text.split('\n').entries()) {
    if (start.test(content) && !current.lines.every((line) => preamble.test(line))) begin(index + 1);
    current.lines.push(content);
    if (end.test(content)) begin(index + 2);
  }
  documents.push(current);
  return documents
    .filter(({ lines }) => !lines.every((line) => nothing.test(line)))
    .map(({ lines, line }) => ({ text: lines.join('\n'), line }));
}
