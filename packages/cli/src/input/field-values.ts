import type { FieldValue } from '@murmur/api';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { FieldValueSchema } from '@murmur/api';

import { usageError } from '../failure.js';
import { readTextFile } from './read-text.js';

/** A field and what to put there, as the API takes it. */
export type FieldInit = MessageInitShape<typeof FieldValueSchema> & Pick<FieldValue, 'path'>;

/** `--set path=value`: the value is read as YAML. */
export function setField(written: string): FieldInit {
  const { path, value } = split('--set', written, 'value');
  return { path, value: { case: 'yaml', value } };
}

/** `--file-field path=FILE`: the file's text is the value, whatever is in it. */
export async function fileField(written: string): Promise<FieldInit> {
  const { path, value } = split('--file-field', written, 'FILE');
  if (value === '') throw usageError(`--file-field "${written}" names no file`, 'Write it as --file-field path=FILE.');
  return { path, value: { case: 'text', value: await readTextFile(value) } };
}

function split(flag: string, written: string, what: string): { path: string; value: string } {
  const equals = written.indexOf('=');
  if (equals < 1) throw usageError(`${flag} "${written}" is not of the form path=${what}`, `Write it as ${flag} field.path=${what}.`);
  return { path: written.slice(0, equals), value: written.slice(equals + 1) };
}
