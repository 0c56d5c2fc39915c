import {
  Composer,
  CST,
  type Document,
  Lexer,
  LineCounter,
  type ParsedNode,
  Parser,
  type YAMLError,
  type YAMLMap,
  isScalar,
  visit,
} from 'yaml';

import { MurmurError } from './error.js';

/** The longest document read, in bytes: room for a script of 256 KiB however it is escaped. Reading is slow enough that more would block a server. */
export const maxDocumentBytes = 2 * 1024 * 1024;

/** The most pieces (names, values, brackets, line ends) a document has. Reading takes its time for each of them, not for each byte. */
const maxPieces = 100_000;

/** The most anchors, aliases and tags: each of them is looked for in the whole document. */
const maxMarks = 200;

/** How many nodes aliases may stand for in all, so that a few lines cannot unfold into gigabytes. */
const maxAliasCount = 100;

/** How many nodes may lie in each other; a mapping's entry is one of its own. */
const maxDepth = 200;

/** The library's messages that quote the document, in words that do not: what cannot be read may be a password that wants quotes. */
const ownWords = new Map<string, string>([
  ['BAD_DQ_ESCAPE', 'invalid escape sequence'],
  ['TAG_RESOLVE_FAILED', 'unresolved tag'],
]);
/** In others the quotation comes last. */
const quotation = /(?<=\w): .*/;

/** How a document is read. */
export interface ReadOptions {
  /** The number of its first line in the file it was cut out of; 1 unless given. */
  readonly firstLine?: number;
}

/**
 * Reads one YAML or JSON document whose root is a mapping. Anything else throws INVALID_ARGUMENT with a message that
 * says what is wrong and, where it can, at which line and column.
 */
export function readDocument(text: string, options: ReadOptions = {}): Record<string, unknown> {
  const value = readValue(text, options);
  if (value === null || value === undefined) throw refused('the document is empty', 'Write one YAML or JSON mapping of fields.');
  if (!isMapping(value)) throw refused('the document must be a mapping', 'Write one field per line, such as "name: my-recipe".');
  return value;
}

/** Reads one YAML or JSON value of any type: what `--set path=value` has after the equals sign. Empty text is null. */
export function readValue(text: string, { firstLine = 1 }: ReadOptions = {}): unknown {
  if (exceeds(text, maxDocumentBytes)) throw refused('the document exceeds the 2 MiB limit', 'Send a smaller document.');
  if (text.includes('\0')) throw refused('the document contains a NUL byte', 'Send plain text, encoded as UTF-8.');
  try {
    return parse(text, firstLine);
  } catch (error) {
    if (error instanceof MurmurError) throw error;
    // The parser recurses: a document nested some thousand levels deep exhausts the stack.
    if (error instanceof RangeError) throw tooDeep();
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

/** Without encoding what is too long in any case: no character takes less than a byte. */
function exceeds(text: string, bytes: number): boolean {
  return text.length > bytes || byteLength(text) > bytes;
}

function parse(text: string, firstLine: number): unknown {
  const position = positions(firstLine);
  const document = compose(text, position);
  if (document === undefined) return null;
  const problem = [...document.errors, ...document.warnings][0];
  // Inside flow collections the library catches the exhausted stack itself and reports it in the engine's words.
  if (problem?.message.includes('call stack') === true) throw tooDeep();
  if (problem !== undefined) throw refused(`${position.at(problem.pos[0])}: ${sentence(problem)}`);
  checkNodes(document, position);
  return unfold(document);
}

/** The first document of a text, read piece by piece, so that one that is too large is given up before it costs much. */
function compose(text: string, position: Positions): Document.Parsed<ParsedNode> | undefined {
  const parser = new Parser(position.lines.addNewLine);
  position.lines.addNewLine(0);
  // Keys are compared below: the library's own check takes quadratic time.
  const composer = new Composer({ uniqueKeys: false, prettyErrors: false, stringKeys: false });
  let first: Document.Parsed<ParsedNode> | undefined;
  const take = (document: Document.Parsed<ParsedNode>) => {
    if (first !== undefined)
      throw refused(`${position.at(document.range[0])}: a second document starts here`, 'Send one document at a time.');
    first = document;
  };
  const budget = new Budget();
  for (const piece of new Lexer().lex(text)) {
    budget.spend(piece);
    for (const token of parser.next(piece)) for (const document of composer.next(token)) take(document);
  }
  for (const token of parser.end()) for (const document of composer.next(token)) take(document);
  for (const document of composer.end()) take(document);
  return first;
}

/** Counts the pieces of a document as they are read, and refuses what no document needs. */
class Budget {
  #pieces = 0;
  #marks = 0;
  #isText = false;

  spend(piece: string): void {
    this.#pieces += 1;
    if (this.#pieces > maxPieces) throw refused('the document has too many fields', 'Split it into several documents.');
    // What follows this sign is a value, whatever it begins with.
    const type = this.#isText ? 'scalar' : CST.tokenType(piece);
    this.#isText = piece === CST.SCALAR;
    if (type === 'alias' || type === 'anchor' || type === 'tag') this.#marks += 1;
    if (this.#marks > maxMarks) throw refused('the document uses too many aliases', 'Write the values out instead.');
    // Older versions read "on" as true and "010" as 8.
    if (type === 'directive-line' && piece.trim() !== '%YAML 1.2') {
      // Anything else that begins with this sign is no directive that somebody meant.
      const version = /^%YAML \d+\.\d+$/.exec(piece.trim());
      throw refused(
        version === null ? 'directives are not supported' : `the directive "${version[0]}" is not supported`,
        'Leave it out; documents are YAML 1.2.',
      );
    }
  }
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

function checkNodes(document: Document.Parsed<ParsedNode>, position: Positions): void {
  visit(document, {
    Map(_, map: YAMLMap, path) {
      if (path.length > maxDepth) throw tooDeep();
      const seen = new Set<string>();
      for (const { key } of map.items) {
        const where = position.at(startOf(key));
        if (!isScalar(key)) throw refused(`${where}: a key must be a string`);
        const name = keyText(key.value);
        if (seen.has(name)) throw refused(`${where}: duplicate key "${name}"`, 'Keep one of the two.');
        seen.add(name);
      }
    },
    Seq(_, _list, path) {
      if (path.length > maxDepth) throw tooDeep();
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

interface Positions {
  readonly lines: LineCounter;
  at(offset: number): string;
}

function positions(firstLine: number): Positions {
  const lines = new LineCounter();
  return {
    lines,
    at(offset) {
      const { line, col } = lines.linePos(offset);
      return `line ${line + firstLine - 1}, column ${col}`;
    },
  };
}

/** The library's messages begin with a capital and may go on for lines; ours do neither. */
function sentence({ code, message }: YAMLError): string {
  const [line = ''] = message.split('\n');
  const first = ownWords.get(code) ?? line.replace(quotation, '');
  return first.charAt(0).toLowerCase() + first.slice(1);
}

function tooDeep(): MurmurError {
  return refused('the document is nested too deeply', 'Flatten it; no field needs more than a few levels.');
}

function refused(message: string, hint?: string): MurmurError {
  return new MurmurError('INVALID_ARGUMENT', message, hint === undefined ? {} : { hint });
}
