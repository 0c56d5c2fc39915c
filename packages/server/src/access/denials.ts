import { MurmurError, isMurmurError, refusal } from '@murmur/api';

import { accessErrors } from './errors.js';

/** What a caller without the permission `{kind}.{verb}` is told. The same words whether what it asked for exists or not. */
export function missingPermission(permission: string): MurmurError {
  return refusal(accessErrors.missingPermission, [permission]);
}

/** What is told to a caller who does not run this installation. */
export function operatorsOnly(): MurmurError {
  return refusal(accessErrors.operatorsOnly, []);
}

/** What is told to a caller who speaks to another tenant than its key's: the same for one that exists and one that does not. */
export function otherTenant(meant: string): MurmurError {
  return refusal(accessErrors.otherTenant, [meant]);
}

/** The same answer to a caller who lacks the permission and must not learn that there is something to lack it for. */
export function concealed(answer: MurmurError, permission: string): MurmurError {
  const hint = answer.hint === undefined ? {} : { hint: answer.hint };
  return new MurmurError(answer.code, answer.message, { ...hint, cause: missingPermission(permission) });
}

/** Whether a call ended so for lack of a permission, also where that was one fault of many, or its caller was told something else. */
export function isDenial(thrown: unknown): boolean {
  const denied = (error: unknown): boolean => isMurmurError(error) && error.faults.some(({ code }) => code === 'PERMISSION_DENIED');
  return denied(thrown) || (isMurmurError(thrown) && denied(thrown.cause));
}
