import { MurmurError } from '@murmur/api';

/** The token of the page after the run with this ordinal, for callers to hand back as it is. */
export function writePageToken(ordinal: number): string {
  return Buffer.from(`bakes ${ordinal}`).toString('base64url');
}

/** The ordinal a page goes on below; undefined for the first page. Throws INVALID_ARGUMENT for a token that is none of ours. */
export function readPageToken(token: string): number | undefined {
  if (token === '') return undefined;
  const ordinal = Number(/^bakes (\d{1,15})$/.exec(Buffer.from(token, 'base64url').toString())?.[1]);
  if (!Number.isSafeInteger(ordinal) || writePageToken(ordinal) !== token) {
    throw new MurmurError('INVALID_ARGUMENT', 'invalid page_token', {
      hint: 'Use the token of the page before, or start again without one.',
    });
  }
  return ordinal;
}
