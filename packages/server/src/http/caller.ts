import { type HandlerContext, createContextKey } from '@connectrpc/connect';
import { MurmurError } from '@murmur/api';

import type { Access } from '../access/access.js';
import type { Identity } from '../access/identity.js';
import type { AuditTrail } from './audit-trail.js';

/** Where the door leaves the caller. */
export const identityKey = createContextKey<Identity | undefined>(undefined, { description: 'the authenticated caller' });

/** Where the door leaves the address that the call comes from. */
export const addressKey = createContextKey('', { description: "the peer's address" });

/** Where the access interceptor leaves what the caller may do. */
export const accessKey = createContextKey<Access | undefined>(undefined, { description: 'what the caller may do' });

/** Where the access interceptor leaves what the audit log keeps of the call. */
export const trailKey = createContextKey<AuditTrail | undefined>(undefined, { description: "the call's audit trail" });

/** What the audit log keeps of this request. The access interceptor runs before every service, so absence is a fault of ours. */
export function trailOf(context: Pick<HandlerContext, 'values'>): AuditTrail {
  return present(context.values.get(trailKey));
}

/** The caller of this request. The door stands before every service, so absence is a fault of ours. */
export function identityOf(context: Pick<HandlerContext, 'values'>): Identity {
  return present(context.values.get(identityKey));
}

/** What the caller of this request may do. The access interceptor runs before every service, so absence is a fault of ours. */
export function accessOfCall(context: Pick<HandlerContext, 'values'>): Access {
  return present(context.values.get(accessKey));
}

function present<T>(value: T | undefined): T {
  if (value !== undefined) return value;
  throw new MurmurError('INTERNAL', 'internal error', { cause: new Error('no caller on an authenticated call') });
}
