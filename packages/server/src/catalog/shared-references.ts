import { reservedSecretPrefix, secretNamePattern, type ErrorRow } from '@murmur/api';

import { fault } from './faults.js';
import type { Reference } from './kind.js';

/** The reference a field makes to a resource of this kind: none when the field is empty. */
export function referenceIn(path: string, kind: string, name: string, missing: ErrorRow<[name: string]>): Reference[] {
  return name === '' ? [] : [{ path, kind, name, missing: fault(missing, path, name) }];
}

/** The references of a list of names. */
export function referencesIn(field: string, kind: string, names: readonly string[], missing: ErrorRow<[index: string, name: string]>) {
  return names.map((name, index): Reference => {
    const path = `${field}[${index}]`;
    return { path, kind, name, missing: fault(missing, path, String(index), name) };
  });
}

/** The references of a list of secrets. What cannot be a secret's name is refused as such, not as missing too. */
export function secretReferences(field: string, names: readonly string[], missing: ErrorRow<[index: string, name: string]>): Reference[] {
  return referencesIn(field, 'secret', names, missing).filter(
    ({ name }) => secretNamePattern.test(name) && !name.startsWith(reservedSecretPrefix),
  );
}
