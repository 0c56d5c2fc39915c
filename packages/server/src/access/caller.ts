import type { Access } from './access.js';
import type { Identity } from './identity.js';

/** Who calls, and what it may do. */
export interface Caller {
  readonly identity: Identity;
  readonly access: Access;
}
