import { type ApplyDocument, MurmurError, readDocument } from '@murmur/api';

import type { AuditedName } from '../access/audit.js';

/** So many of the documents are named; reading them takes time, and what was not done interests few. */
const mostNamed = 8;

/** As long a name as the audit log keeps whole has room for this many of the longest names. */
const longestName = 63;

/**
 * What a batch is in the audit log, before it is known whether anything comes of it: one entry, however many documents there
 * are, that names the first few. A single document stands for itself.
 */
export function batchName(documents: readonly Pick<ApplyDocument, 'text'>[]): AuditedName {
  const names = documents.slice(0, mostNamed).map(({ text }) => nameOf(text));
  const [only] = names;
  if (documents.length <= 1) return only ?? { kind: '', name: '' };
  const first = names
    .filter(({ kind, name }) => kind !== '' && name !== '')
    .map(({ kind, name }) => `${kind}/${name.slice(0, longestName)}`);
  return { kind: 'batch', name: [`${documents.length} documents`, first.join(', ')].filter((part) => part !== '').join(': ') };
}

/** One that cannot be read, which is refused later with the reason, counts as nothing in particular. */
function nameOf(text: string): AuditedName {
  try {
    const { kind, name } = readDocument(text);
    return { kind: typeof kind === 'string' ? kind : '', name: typeof name === 'string' ? name : '' };
  } catch (error) {
    if (error instanceof MurmurError) return { kind: '', name: '' };
    throw error;
  }
}
