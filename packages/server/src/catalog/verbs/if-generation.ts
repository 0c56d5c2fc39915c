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
    hint:
      generation === 0
        ? 'It was deleted, or never was. Make it with generation 0, or without one.'
        : `Somebody else has changed it. See what they changed with "murmur diff ${kind} ${name}", read it again with "murmur get ${kind} ${name} -o yaml", make your change in that, and write it with its new generation.`,
  });
}
