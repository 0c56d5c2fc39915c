import { createReadStream } from 'node:fs';

import type { Input } from '../surroundings.js';
import { CliError } from '../failure.js';

/** How much is read of a file or of standard input, and what to say when there is more. */
export interface TextLimit {
  readonly bytes: number;
  readonly message: string;
}

/** What the API takes as one document. */
export const documentLimit: TextLimit = { bytes: 2 * 1024 * 1024, message: 'the document exceeds the 2 MiB limit' };

/** Of a file for one field: more than any field takes, so that the server says which limit that is. */
const fieldLimit: TextLimit = { bytes: 4 * 1024 * 1024, message: 'the file for a field exceeds the 4 MiB limit' };

/** All of a file, which must be UTF-8 text. */
export async function readTextFile(file: string, limit: TextLimit = fieldLimit): Promise<string> {
  let bytes: Buffer | undefined;
  try {
    bytes = await collect(contentOf(file), limit);
  } catch (cause) {
    throw new CliError('NOT_FOUND', `cannot read ${file}: ${reason(cause)}`, { cause });
  }
  return decode(bytes, file, limit);
}

/** All of standard input, which must be UTF-8 text. */
export async function readTextInput(input: Input, limit: TextLimit = documentLimit): Promise<string> {
  return decode(await collect(input, limit), 'standard input', limit);
}

async function* contentOf(file: string): AsyncIterable<Buffer> {
  yield* createReadStream(file) as AsyncIterable<Buffer>;
}

/** Undefined when there is more than the limit: the rest is not waited for. */
async function collect(input: AsyncIterable<Uint8Array | string>, { bytes }: TextLimit): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of input) {
    const piece = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    length += piece.length;
    if (length > bytes) return undefined;
    chunks.push(piece);
  }
  return Buffer.concat(chunks);
}

function decode(bytes: Uint8Array | undefined, source: string, limit: TextLimit): string {
  if (bytes === undefined) throw new CliError('INVALID_ARGUMENT', limit.message);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new CliError('INVALID_ARGUMENT', `${source} is not UTF-8 text`, { cause });
  }
}

function reason(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === 'ENOENT') return 'no such file';
  if (code === 'EACCES') return 'permission denied';
  if (code === 'EISDIR') return 'it is a folder';
  return cause instanceof Error ? cause.message : String(cause);
}
