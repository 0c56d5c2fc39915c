import { setImmediate } from 'node:timers/promises';

import { type ApplyDocument, MurmurError, readDocument } from '@murmur/api';

import type { AuditedName } from '../access/audit.js';

/** A batch of more documents is refused whole, and nobody reads a list of what was not done. */
const mostDocuments = 10_000;

/**
 * What each document says it is. One that cannot be read, which is refused later with the reason, counts as nothing in
 * particular. Other calls go on in between, however many there are.
 */
export async function documentNames(documents: readonly Pick<ApplyDocument, 'text'>[]): Promise<readonly AuditedName[]> {
  if (documents.length > mostDocuments) return [];
  const names: AuditedName[] = [];
  for (const { text } of documents) {
    const { kind, name } = fieldsOf(text);
    names.push({ kind: typeof kind === 'string' ? kind : '', name: typeof name === 'string' ? name : '' });
    await setImmediate();
  }
  return names;
}

function fieldsOf(text: string): Record<string, unknown> {
  try {
    return readDocument(text);
  } catch (error) {
    if (error instanceof MurmurError) return {};
    throw error;
  }
}
