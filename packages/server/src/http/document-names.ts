import { type ApplyDocument, MurmurError, readDocument } from '@murmur/api';

import type { AuditedName } from '../access/audit.js';

/** What each document says it is. One that cannot be read, which is refused later with the reason, counts as nothing in particular. */
export function documentNames(documents: readonly Pick<ApplyDocument, 'text'>[]): readonly AuditedName[] {
  return documents.map(({ text }) => {
    const { kind, name } = fieldsOf(text);
    return { kind: typeof kind === 'string' ? kind : '', name: typeof name === 'string' ? name : '' };
  });
}

function fieldsOf(text: string): Record<string, unknown> {
  try {
    return readDocument(text);
  } catch (error) {
    if (error instanceof MurmurError) return {};
    throw error;
  }
}
