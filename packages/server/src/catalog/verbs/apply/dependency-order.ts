import { MurmurError } from '@murmur/api';

import type { BatchFaults } from './batch-faults.js';
import type { Batch, Entry } from './read-batch.js';

/**
 * The entries of a batch, each after those it refers to and otherwise in the order of the documents. Entries that refer to each
 * other in a circle go to the faults and are left out.
 */
export function inDependencyOrder(batch: Batch, faults: BatchFaults): Entry[] {
  const byKey = new Map(batch.entries.map((entry) => [entry.key, entry]));
  const waiting = new Map(batch.entries.map((entry) => [entry.key, targetsOf(entry, byKey).length]));
  const referrers = new Map<string, Entry[]>();
  for (const entry of batch.entries) {
    for (const key of targetsOf(entry, byKey)) {
      const others = referrers.get(key);
      if (others === undefined) referrers.set(key, [entry]);
      else others.push(entry);
    }
  }
  // Not recursive: a chain may be as long as the batch.
  const ready = batch.entries.filter((entry) => waiting.get(entry.key) === 0);
  const ordered: Entry[] = [];
  for (const entry of ready) {
    ordered.push(entry);
    for (const referrer of referrers.get(entry.key) ?? []) {
      const left = (waiting.get(referrer.key) ?? 0) - 1;
      waiting.set(referrer.key, left);
      if (left === 0) ready.push(referrer);
    }
  }
  const done = new Set(ordered.map((entry) => entry.key));
  for (const entry of batch.entries) {
    if (done.has(entry.key)) continue;
    batch.failed.add(entry.key);
    faults.add(entry, circular(entry));
  }
  return ordered;
}

function targetsOf({ key, references }: Entry, byKey: ReadonlyMap<string, Entry>): string[] {
  return [...new Set(references.map((reference) => reference.key))].filter((target) => target !== key && byKey.has(target));
}

function circular({ kind, address }: Entry): MurmurError {
  return new MurmurError('INVALID_ARGUMENT', `${kind.name} "${address.name}" refers, through others, to itself`, {
    hint: 'Take one reference out of the circle.',
  });
}
