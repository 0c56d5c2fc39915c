import type { Logger } from 'pino';

import { type AuditedName, type AuditedOutcome, writeAuditEntries, writeAuditOutcome } from '../access/audit.js';
import type { Identity } from '../access/identity.js';
import type { Database, Queryable } from '../database/tables.js';
import type { RefusalBudget } from './guards/refusal-budget.js';

/** What the audit log keeps of one call. */
export interface AuditTrail {
  /** Writes that the call is made, if that is kept. Await it before the call acts: when it throws, the call must not happen. */
  begin(): Promise<void>;
  /** Writes what became of parts of the call, each an entry of its own, in the transaction that made it so. */
  addWritten(trx: Queryable, names: readonly AuditedName[]): Promise<void>;
  /** Writes how the call ended. A call that was denied is kept whatever it was, for as long as there is room. Never throws, as it is too late to undo anything. */
  end(outcome: AuditedOutcome): Promise<void>;
}

/** A call whose trail is kept. */
export interface TrailedCall {
  readonly identity: Identity;
  readonly address: string;
  readonly action: string;
  readonly kept: 'always' | 'when denied';
  /** What it is about, as far as is known when this is asked. */
  about(): readonly AuditedName[] | Promise<readonly AuditedName[]>;
}

/** What trails are written with. */
export interface TrailParts {
  readonly database: Database;
  readonly log: Logger;
  readonly refusals: RefusalBudget;
}

/** Stands for all that follow. */
const furtherRefusals: AuditedName = { kind: 'refused', name: 'further calls, which are only counted for a while' };

/** Codes that are no answer to what was asked. */
const notRefusals = new Set(['OK', 'UNAVAILABLE', 'INTERNAL', 'UNKNOWN', 'CANCELLED', 'DEADLINE_EXCEEDED']);

/** The trail of one call. */
export function auditTrail({ database, log, refusals }: TrailParts, call: TrailedCall): AuditTrail {
  let begun: 'no' | 'failed' | readonly number[] = 'no';

  const write = async (verdict: 'allowed' | 'denied'): Promise<number[]> => {
    const [first = { kind: '', name: '' }, ...others] = await call.about();
    return writeAuditEntries(database, { ...call, about: [first, ...others], verdict });
  };

  return {
    async begin() {
      if (call.kept === 'when denied') return;
      begun = 'failed';
      refusals.requireRoom(call.identity);
      begun = await write('allowed');
    },
    async addWritten(trx, names) {
      const [first, ...others] = names;
      if (first === undefined) return;
      await writeAuditOutcome(trx, await writeAuditEntries(trx, { ...call, about: [first, ...others], verdict: 'allowed' }), {
        code: 'OK',
      });
    },
    async end(outcome) {
      const denied = outcome.code === 'PERMISSION_DENIED';
      if (begun === 'failed' || (begun === 'no' && call.kept === 'when denied' && !denied)) return;
      const room = notRefusals.has(outcome.code) ? 'write' : refusals.spend(call.identity);
      try {
        if (begun === 'no') {
          if (room === 'count only') return;
          begun = await write(denied ? 'denied' : 'allowed');
        }
        const last = { ...call, about: [furtherRefusals], verdict: denied ? 'denied' : 'allowed' } as const;
        const further = room === 'write the last' ? await writeAuditEntries(database, last) : [];
        await writeAuditOutcome(database, [...begun, ...further], outcome);
      } catch (cause) {
        log.error({ err: cause, method: call.action, code: outcome.code }, 'the outcome of a call is missing in the audit log');
      }
    },
  };
}
