import type { Rights } from '../substrate.js';

/** For tests in which every artifact is one's own and there are no secrets. */
export const allRights: Rights = {
  mayUse: () => Promise.resolve(true),
  secret: (name) => Promise.reject(new Error(`there is no secret ${name} here`)),
};
