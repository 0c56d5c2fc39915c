import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

import type { Context } from '../context.js';
import { CliError, usageError } from '../failure.js';
import { readTextFile, readTextInput, type TextLimit } from './read-text.js';
import { splitDocuments } from './split-documents.js';

/** A document to apply, and where it was found. */
export interface SourceDocument {
  readonly text: string;
  /** The file, with the document's first line when it has several documents. */
  readonly origin: string;
  readonly line: number;
}

/** The flags of commands that read files of documents. */
export const filesFlags = {
  file: {
    kind: 'parsed',
    parse: String,
    variadic: true,
    optional: true,
    placeholder: 'PATH',
    brief: "A file, a folder's *.yaml, *.yml and *.json files, or - for standard input; repeatable",
  },
  recursive: { kind: 'boolean', default: false, withNegated: false, brief: 'Also the folders in a folder' },
} as const;

/** What {@link filesFlags} are called for short. */
export const filesAliases = { f: 'file', R: 'recursive' } as const;

/** What one call takes in all. */
const limit: TextLimit = { bytes: 12 * 1024 * 1024, message: 'the documents exceed the limit of 12 MiB in all' };

/** The documents of files, of the files in folders, and of standard input, which `-` stands for. */
export async function readSources(context: Context, paths: readonly string[], options: { recursive: boolean }): Promise<SourceDocument[]> {
  if (paths.filter((path) => path === '-').length > 1) throw usageError('standard input can be read only once', 'Give -f - once.');
  const documents: SourceDocument[] = [];
  let left = limit.bytes;
  for (const path of paths) {
    for (const file of path === '-' ? ['-'] : await filesOf(path, options)) {
      const text = await textOf(context, file, { ...limit, bytes: left });
      left -= Buffer.byteLength(text);
      documents.push(...documentsOf(file === '-' ? 'standard input' : file, text));
    }
  }
  if (documents.length === 0) {
    throw new CliError('INVALID_ARGUMENT', `there is nothing to apply in ${paths.map(named).join(', ')}`, {
      hint: 'Write at least one document, with its kind and its fields.',
    });
  }
  return documents;
}

async function textOf(context: Context, file: string, rest: TextLimit): Promise<string> {
  if (file !== '-') return readTextFile(file, rest);
  if (context.stdin.isTTY === true) context.stderr.write('Reading documents from the terminal; end with Ctrl-D\n');
  return readTextInput(context.stdin, rest);
}

function documentsOf(name: string, text: string): SourceDocument[] {
  const documents = splitDocuments(text);
  return documents.map((document) => ({ ...document, origin: documents.length === 1 ? name : `${name}:${document.line}` }));
}

async function filesOf(path: string, { recursive }: { recursive: boolean }): Promise<string[]> {
  // What cannot be read is reported when it is.
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isFolder) return [path];
  const entries = (await readdir(path, { withFileTypes: true })).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const files: string[] = [];
  for (const entry of entries) {
    const inside = join(path, entry.name);
    // Not through links to folders: those may lead back.
    if (entry.isDirectory()) {
      if (recursive) files.push(...(await filesOf(inside, { recursive })));
    } else if (/\.(?:yaml|yml|json)$/.test(entry.name)) files.push(inside);
  }
  return files;
}

function named(path: string): string {
  return path === '-' ? 'standard input' : path;
}
