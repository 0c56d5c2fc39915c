import { MurmurError } from '@murmur/api';

/** Where a list goes on: the sort key of the last resource shown. */
export interface PagePosition {
  readonly kind: string;
  readonly sort: string;
  readonly key: string;
  readonly ordinal: number;
}

/** The position as a token that callers only hand back. */
export function writePageToken({ kind, sort, key, ordinal }: PagePosition): string {
  return Buffer.from(JSON.stringify([kind, sort, key, ordinal])).toString('base64url');
}

/** The position a token stands for. Throws INVALID_ARGUMENT unless it came from a list of this kind in this order. */
export function readPageToken(token: string, kind: string, sort: string): PagePosition {
  const [tokenKind, tokenSort, key, ordinal] = parse(token);
  if (
    tokenKind !== kind ||
    tokenSort !== sort ||
    typeof key !== 'string' ||
    typeof ordinal !== 'number' ||
    !Number.isSafeInteger(ordinal)
  ) {
    throw invalid();
  }
  if (key.includes('\0') || (sort === 'updated' && !isTime(key))) throw invalid();
  return { kind, sort, key, ordinal };
}

/** Only what a list itself writes: the database reads other notations otherwise, or not at all, and has no year 0. */
function isTime(key: string): boolean {
  return /^(?!0000)\d{4}-/.test(key) && !Number.isNaN(Date.parse(key)) && new Date(key).toISOString() === key;
}

function parse(token: string): unknown[] {
  try {
    const value: unknown = JSON.parse(Buffer.from(token, 'base64url').toString());
    return Array.isArray(value) ? value : [];
  } catch (error) {
    throw invalid(error);
  }
}

function invalid(cause?: unknown): MurmurError {
  return new MurmurError('INVALID_ARGUMENT', 'invalid page_token', {
    cause,
    hint: 'Use the token of the page before, with the same kind and order, or start again without one.',
  });
}
