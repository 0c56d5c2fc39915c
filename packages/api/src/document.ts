import { type Document, LineCounter, type ParsedNode, type YAMLMap, isScalar, parseAllDocuments, visit } from 'yaml';

import { MurmurError } from './error.js';

/** The longest document read, in bytes: room for a script of 256 KiB however it is escaped. Reading is slow enough that more would block a server. */
const maxDocumentBytes = 2 * 1024 * 1024;

/** How many nodes aliases may stand for in all, so that a few lines cannot unfold into gigabytes. */
const maxAliasCount = 100;

/**
 * Reads one YAML or JSON document whose root is a mapping. Anything else throws INVALID_ARGUMENT with a message that
 * says what is wrong and, where it can, at which line and column.
 */
export function readDocument(text: string): Record<string, unknown> {
  const value = readValue(text);
  if (value === null || value === undefined) throw refused('the document is empty', 'Write one YAML or JSON mapping of fields.');
  if (!isMapping(value)) throw refused('the document must be a mapping', 'Write one field per line, such as "name: my-recipe".');
  return value;
}

/** Reads one YAML or JSON value of any type: what `--set path=value` has after the equals sign. Empty text is null. */
export function readValue(text: string): unknown {
  if (byteLength(text) > maxDocumentBytes) throw refused('the document exceeds the 2 MiB limit', 'Send a smaller document.');
  if (text.includes('\0')) throw refused('the document contains a NUL byte', 'Send plain text, encoded as UTF-8.');
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof MurmurError) throw error;
    // The parser recurses: a document nested some thousand levels deep exhausts the stack.
    if (error instanceof RangeError)
      throw refused('the document is nested too deeply', 'Flatten it; no field needs more than a few levels.');
    throw refused(`the document cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** The length of a text in UTF-8, in bytes: what the limits of fields count. */
export function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}

/** Whether a value read from a document is a mapping, not a list, a scalar or null. */
export function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parse(text: string): unknown {
  const lines = new LineCounter();
  // Keys are compared below: the library's own check takes quadratic time.
  const documents = parseAllDocuments(text, { lineCounter: lines, uniqueKeys: false, prettyErrors: false, stringKeys: false });
  if (!Array.isArray(documents) || documents.length === 0) return null;
  const [document, second] = documents;
  if (document === undefined) return null;
  const problem = [...document.errors, ...document.warnings][0];
  // Inside flow collections the library catches the exhausted stack itself and reports it in the engine's words.
  if (problem?.message.includes('call stack') === true) throw tooDeep();
  if (problem !== undefined) throw refused(`${at(lines, problem.pos[0])}: ${sentence(problem.message)}`);
  if (second !== undefined) {
    const start = second.range[0];
    throw refused(`${at(lines, start)}: a second document starts here`, 'Send one document at a time.');
  }
  checkKeys(document, lines);
  return unfold(document);
}

function unfold(document: Document.Parsed<ParsedNode>): unknown {
  try {
    return document.toJS({ maxAliasCount });
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    if (!error.message.startsWith('Excessive'))
      throw refused('an alias names an anchor that does not exist', 'Quote a value that begins with "*".');
    throw refused('the document uses too many aliases', 'Write the values out instead.');
  }
}

function checkKeys(document: Document.Parsed<ParsedNode>, lines: LineCounter): void {
  visit(document, {
    Map(_, map: YAMLMap) {
      const seen = new Set<string>();
      for (const { key } of map.items) {
        const position = at(lines, startOf(key));
        if (!isScalar(key)) throw refused(`${position}: a key must be a string`);
        const name = keyText(key.value);
        if (seen.has(name)) throw refused(`${position}: duplicate key "${name}"`, 'Keep one of the two.');
        seen.add(name);
      }
    },
  });
}

/** A key as the plain value has it: numbers and the like turn into texts. */
function keyText(value: unknown): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : typeof value === 'string'
      ? value
      : JSON.stringify(value);
}

function startOf(node: unknown): number {
  const range = typeof node === 'object' && node !== null && 'range' in node ? node.range : undefined;
  return Array.isArray(range) && typeof range[0] === 'number' ? range[0] : 0;
}

function at(lines: LineCounter, offset: number): string {
  const { line, col } = lines.linePos(offset);
  return `line ${line}, column ${col}`;
}

/** The library's messages begin with a capital and may go on for lines; ours do neither. */
function sentence(message: string): string {
  const [first = ''] = message.split('\n');
  return first.charAt(0).toLowerCase() + first.slice(1);
}

function tooDeep(): MurmurError {
  return refused('the document is nested too deeply', 'Flatten it; no field needs more than a few levels.');
}

function refused(message: string, hint?: string): MurmurError {
  return new MurmurError('INVALID_ARGUMENT', message, hint === undefined ? {} : { hint });
}
