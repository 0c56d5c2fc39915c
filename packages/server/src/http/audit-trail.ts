import type { Logger } from 'pino';

import { type AuditedName, type AuditedOutcome, writeAuditEntries, writeAuditOutcome } from '../access/audit.js';
import type { Identity } from '../access/identity.js';
import type { Database } from '../database/tables.js';

/** What the audit log keeps of one call. */
export interface AuditTrail {
  /** Writes that the call is made, if that is kept. Await it before the call acts: when it throws, the call must not happen. */
  begin(): Promise<void>;
  /** Writes how the call ended. A call that was denied is kept whatever it was. Never throws, as it is too late to undo anything. */
  end(outcome: AuditedOutcome): Promise<void>;
}

/** A call whose trail is kept. */
export interface TrailedCall {
  readonly identity: Identity;
  readonly action: string;
  readonly kept: 'always' | 'when denied';
  /** What it is about, as far as is known when this is asked. */
  about(): readonly AuditedName[] | Promise<readonly AuditedName[]>;
}

/** The trail of one call. */
export function auditTrail({ database, log }: { database: Database; log: Logger }, call: TrailedCall): AuditTrail {
  let begun: 'no' | 'failed' | readonly number[] = 'no';

  const write = async (verdict: 'allowed' | 'denied'): Promise<number[]> => {
    const [first = { kind: '', name: '' }, ...others] = await call.about();
    return writeAuditEntries(database, { ...call, about: [first, ...others], verdict });
  };

  return {
    async begin() {
      if (call.kept === 'when denied') return;
      begun = 'failed';
      begun = await write('allowed');
    },
    async end(outcome) {
      const denied = outcome.code === 'PERMISSION_DENIED';
      if (begun === 'failed' || (begun === 'no' && call.kept === 'when denied' && !denied)) return;
      try {
        begun = begun === 'no' ? await write(denied ? 'denied' : 'allowed') : begun;
        await writeAuditOutcome(database, begun, outcome);
      } catch (cause) {
        log.error({ err: cause, method: call.action, code: outcome.code }, 'the outcome of a call is missing in the audit log');
      }
    },
  };
}
