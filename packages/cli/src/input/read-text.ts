import { readFile } from 'node:fs/promises';

import type { Input } from '../context.js';
import { CliError } from '../failure.js';

/** All of a file, which must be UTF-8 text. */
export async function readTextFile(file: string): Promise<string> {
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (cause) {
    throw new CliError('NOT_FOUND', `cannot read ${file}: ${reason(cause)}`, { cause });
  }
  return decode(bytes, file);
}

/** All of standard input, which must be UTF-8 text. */
export async function readTextInput(input: Input): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of input) chunks.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
  return decode(Buffer.concat(chunks), 'standard input');
}

function decode(bytes: Uint8Array, source: string): string {
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
