import { setImmediate } from 'node:timers/promises';

import { type ApplyDocument, MurmurError, byteLength, readDocument } from '@murmur/api';

import { type Address, addressOf, writableAddress } from '../../address.js';
import type { Reader } from '../../context.js';
import { type Decoded, decode } from '../../decode.js';
import { throwFaults } from '../../faults.js';
import type { Kind } from '../../kind.js';
import { kindNamed } from '../../kinds/index.js';
import { takeHeader } from '../document-header.js';
import type { BatchFaults, FaultyDocument } from './batch-faults.js';

/** A document of a batch that says what it is about. */
export interface Entry extends FaultyDocument {
  readonly kind: Kind;
  readonly address: Address;
  /** The same for the same resource. */
  readonly key: string;
  readonly decoded: Decoded;
  /** The generation it was read at, if it says so. */
  readonly generation: bigint | undefined;
  /** The tenant's own resources that it names. */
  readonly references: readonly EntryReference[];
}

/** A field of a document that names a resource of the tenant's own. */
export interface EntryReference {
  readonly path: string;
  readonly address: Address;
  readonly key: string;
  /** The message when there is no such resource. */
  readonly missing: string;
}

/** The documents of one call. */
export interface Batch {
  readonly entries: readonly Entry[];
  readonly keys: ReadonlySet<string>;
  /** What they name beside each other. */
  readonly outside: readonly Address[];
  /** The keys of those that cannot be written, as far as that is known. */
  readonly failed: Set<string>;
  /** Whether there is a document of which it is not even known what it is about. */
  readonly hasUnreadable: boolean;
}

const maxDocuments = 10_000;
const maxBytes = 12 * 1024 * 1024;

/** Reads the documents, each for itself. What is wrong with one goes to the faults; it is not among the entries then. */
export async function readBatch(
  reader: Reader,
  documents: readonly Pick<ApplyDocument, 'text' | 'origin' | 'line'>[],
  faults: BatchFaults,
): Promise<Batch> {
  refuseLimits(documents);
  const entries = new Map<string, Entry>();
  const failed = new Set<string>();
  let hasUnreadable = false;
  for (const [index, { text, origin, line }] of documents.entries()) {
    // Reading keeps the processor busy: others get their turn in between.
    await setImmediate();
    const document = { index, origin };
    try {
      const entry = readEntry(reader, document, readDocument(text, { firstLine: Math.max(1, line) }));
      const earlier = entries.get(entry.key);
      if (earlier === undefined) entries.set(entry.key, entry);
      else faults.add(document, repeated(entry, earlier));
    } catch (error) {
      if (!(error instanceof MurmurError)) throw error;
      hasUnreadable = true;
      faults.add(document, error);
    }
  }
  const outside = [...entries.values()].flatMap((entry) => entry.references).filter(({ key }) => !entries.has(key));
  return {
    entries: [...entries.values()],
    keys: new Set(entries.keys()),
    outside: [...new Map(outside.map(({ key, address }) => [key, address])).values()],
    failed,
    hasUnreadable,
  };
}

function refuseLimits(documents: readonly Pick<ApplyDocument, 'text'>[]): void {
  if (documents.length === 0) throw refusedBatch('there is nothing to apply', 'Give at least one document, with its kind and its fields.');
  if (documents.length > maxDocuments) {
    throw refusedBatch(`${documents.length} documents exceed the limit of ${maxDocuments}`, 'Apply them in several parts.');
  }
  const bytes = documents.reduce((sum, { text }) => sum + byteLength(text), 0);
  if (bytes > maxBytes) throw refusedBatch('the documents exceed the limit of 12 MiB in all', 'Apply them in several parts.');
}

function refusedBatch(message: string, hint: string): MurmurError {
  return new MurmurError('INVALID_ARGUMENT', message, { hint });
}

function readEntry(reader: Reader, document: FaultyDocument, written: Record<string, unknown>): Entry {
  const { fields, generation, kind: kindName } = takeHeader(written);
  const kind = kindOf(kindName);
  const decoded = decode(kind.schema, fields, kind.decoding);
  const spec = kind.normalise?.(decoded.message) ?? decoded.message;
  const name = 'name' in spec && typeof spec.name === 'string' ? spec.name : '';
  // Without a name there is nothing to compare it with; it is refused for what is wrong with it by itself.
  if (name === '') throwFaults(kind, decoded.faults, [...kind.validate(spec, decoded.written)]);
  const address = writableAddress(kind, reader.tenant, name);
  const references = (kind.references?.(spec) ?? []).flatMap(({ path, kind: target, name: targetName, missing }): EntryReference[] => {
    const found = addressOf(kindNamed(target), reader, targetName);
    return found?.tenant === reader.tenant ? [{ path, address: found, key: keyOf(found), missing: missing.message }] : [];
  });
  return { ...document, kind, address, key: keyOf(address), decoded, generation, references };
}

function kindOf(name: unknown): Kind {
  if (typeof name === 'string' && name !== '') return kindNamed(name);
  const message = name === undefined || name === null || name === '' ? 'kind is required' : 'kind: expected string';
  throw refusedBatch(message, 'Say what the document is, such as "kind: recipe", beside its fields.');
}

function repeated({ kind, address }: Entry, earlier: Entry): MurmurError {
  const where = earlier.origin === '' ? 'an earlier document' : earlier.origin;
  return refusedBatch(`${kind.name} "${address.name}" is also in ${where}`, 'Keep one of the two.');
}

function keyOf({ kind, name }: Address): string {
  return `${kind}/${name}`;
}
