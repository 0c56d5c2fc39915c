import { MurmurError, isMurmurError } from '@murmur/api';

/** What a caller without the permission `{kind}.{verb}` is told. The same words whether what it asked for exists or not. */
export function missingPermission(permission: string): MurmurError {
  return new MurmurError('PERMISSION_DENIED', `missing permission ${permission}`, { hint: 'Contact your tenant admin.' });
}

/** What is told to a caller who does not run this installation. */
export function operatorsOnly(): MurmurError {
  return new MurmurError('PERMISSION_DENIED', 'only an operator of this server may do that', {
    hint: 'Use the key in `admin.key` in the data directory of the server.',
  });
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
