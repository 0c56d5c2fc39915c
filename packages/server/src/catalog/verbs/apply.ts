import { type ApplyDocument, type ApplyResult, ApplyResultSchema, ApplyResult_Outcome as Outcome, MurmurError } from '@murmur/api';
import { create } from '@bufbuild/protobuf';
import { sql } from 'kysely';

import type { DatabaseTransaction } from '../../database/tables.js';
import { type CatalogContext, inTransaction, readerOf } from '../context.js';
import { toResource } from '../resource.js';
import { prepareToSeal } from '../secret-values.js';
import { lockNames } from '../store.js';
import { BatchFaults } from './apply/batch-faults.js';
import { inDependencyOrder } from './apply/dependency-order.js';
import { lockRows } from './apply/lock-rows.js';
import { type Batch, type Entry, readBatch } from './apply/read-batch.js';
import { type Replaced, replace } from './replace.js';

/** The documents to apply. */
export interface ApplyRequest {
  readonly documents: readonly Pick<ApplyDocument, 'text' | 'origin' | 'line'>[];
  /** Check everything, write nothing. */
  readonly dryRun: boolean;
}

/** Called with what was written, in the transaction that wrote it: when it throws, nothing is. */
export type BeforeCommit = (trx: DatabaseTransaction, written: readonly ApplyResult[]) => Promise<void>;

const outcomes = { created: Outcome.CREATED, changed: Outcome.CHANGED, unchanged: Outcome.UNCHANGED };

/**
 * Writes many documents in one transaction, what others refer to first, or none of them: the error then has every fault of
 * every document. The results are in the order of writing.
 */
export async function applyResources(
  context: CatalogContext,
  request: ApplyRequest,
  beforeCommit: BeforeCommit = async () => undefined,
): Promise<{ results: ApplyResult[] }> {
  const faults = new BatchFaults();
  const batch = await readBatch(readerOf(context), request.documents, faults);
  const ordered = inDependencyOrder(batch, faults);
  for (const kind of new Set(ordered.map((entry) => entry.kind))) await prepareToSeal(context, kind);
  return inTransaction(context.database, async (trx) => {
    await sql`savepoint before_apply`.execute(trx);
    await lockNames(trx, context.identity.tenant, [...ordered.map((entry) => entry.address), ...batch.outside]);
    await lockRows(trx, context.identity.tenant, ordered);
    const replaced = await writeAll(trx, context, { ...batch, ordered }, faults);
    faults.throwIfAny();
    if (request.dryRun) await sql`rollback to savepoint before_apply`.execute(trx);
    const results = replaced.map((one) => (request.dryRun ? withResource(withoutGuess(one)) : resultOf(one)));
    if (!request.dryRun) await beforeCommit(trx, results);
    return { results };
  });
}

interface Applied extends Replaced {
  readonly entry: Entry;
}

/** Goes on after a fault, so that all are found: whatever was written is undone with the transaction. */
async function writeAll(
  trx: DatabaseTransaction,
  context: CatalogContext,
  batch: Batch & { readonly ordered: readonly Entry[] },
  faults: BatchFaults,
): Promise<Applied[]> {
  const applied: Applied[] = [];
  for (const entry of batch.ordered) {
    try {
      applied.push({ ...(await replace(trx, context, { ...entry, document: entry.decoded, conditions: [entry.generation] })), entry });
    } catch (error) {
      if (!(error instanceof MurmurError)) throw error;
      batch.failed.add(entry.key);
      faults.add(entry, error, (fault) => isConsequence(batch, entry, fault));
    }
  }
  return applied;
}

/** Whether a fault is about a resource that is only missing, or not as it should be, because its own document was refused. */
function isConsequence(batch: Batch, entry: Entry, fault: { readonly message: string; readonly path?: string }): boolean {
  return entry.references.some(({ path, key, missing }) => {
    if (batch.failed.has(key)) return fault.path === path || fault.message.includes(path);
    // It may be what a document that could not even be read is about.
    return batch.hasUnreadable && !batch.keys.has(key) && fault.message === missing;
  });
}

/**
 * A dry run counts every value given for a secret as a new one: told which is the stored one, anybody who may edit the secret
 * could try as many as they like without changing it.
 */
function withoutGuess(applied: Applied): Applied {
  const { entry, outcome, stored } = applied;
  const { sealedField } = entry.kind;
  const hasValue = sealedField !== undefined && (entry.decoded.written[sealedField] ?? '') !== '';
  if (outcome !== 'unchanged' || !hasValue) return applied;
  return { entry, outcome: 'changed', stored: { ...stored, generation: stored.generation + 1 } };
}

function withResource(applied: Applied): ApplyResult {
  return Object.assign(resultOf(applied), { resource: toResource(applied.entry.kind, applied.stored) });
}

function resultOf({ entry: { kind, address }, outcome, stored }: Applied): ApplyResult {
  return create(ApplyResultSchema, {
    kind: kind.name,
    name: address.name,
    outcome: outcomes[outcome],
    generation: BigInt(stored.generation),
  });
}
