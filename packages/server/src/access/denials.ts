import { MurmurError } from '@murmur/api';

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
