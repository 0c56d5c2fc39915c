import { refusal } from '@murmur/api';

import { guardErrors } from './errors.js';
import type { Identity } from '../../access/identity.js';
import { type BucketLimits, tokenBuckets } from './token-buckets.js';

/** So many refused calls of one caller are written down in an hour. */
const perHour = 1000;

/** What every server uses. */
const refusalLimits: BucketLimits = { burst: perHour, perSecond: perHour / 3600 };

/** How many refused calls of a caller the audit log takes. */
export interface RefusalBudget {
  /** Counts a refused call; tells whether it may be written down, and whether it is the last one that is for now. */
  spend(caller: Identity): 'write' | 'write the last' | 'count only';
  /** Throws RESOURCE_EXHAUSTED for a caller of whom no more are taken: its next call would be written down before it is refused. */
  requireRoom(caller: Identity): void;
}

/** One server's budget: of several over one database, each has its own. */
export function refusalBudget(limits: BucketLimits = refusalLimits): RefusalBudget {
  const buckets = tokenBuckets(limits);
  const nameOf = ({ tenant, subject, keyId }: Identity): string => (keyId === '' ? `${tenant} ${subject}` : keyId);
  return {
    spend(caller) {
      const before = buckets.spend(nameOf(caller));
      if (before < 1) return 'count only';
      return before < 2 ? 'write the last' : 'write';
    },
    requireRoom(caller) {
      if (buckets.left(nameOf(caller)) >= 1) return;
      throw refusal(guardErrors.tooManyRefusals, []);
    },
  };
}
