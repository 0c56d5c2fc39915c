import { MurmurError } from '@murmur/api';

import type { Address } from '../address.js';
import type { StoredResource } from '../store.js';

/**
 * Throws ABORTED unless the resource, whose name is locked, is at the generation its writer has read; absent is 0. Any will do
 * when the writer says none.
 */
export function requireGeneration({ kind, name }: Address, current: StoredResource | undefined, expected: bigint | undefined): void {
  if (expected === undefined) return;
  if (expected < 0n)
    throw new MurmurError('INVALID_ARGUMENT', 'if_generation must be non-negative', { hint: '0 means that there must be none.' });
  const generation = current?.generation ?? 0;
  if (BigInt(generation) === expected) return;
  throw new MurmurError('ABORTED', `${kind} "${name}" is at generation ${generation}, not ${expected}`, {
    hint: `Somebody else has changed it. Read it again with "murmur get ${kind} ${name}", and its generation with "murmur history ${kind} ${name}"; then retry.`,
  });
}
