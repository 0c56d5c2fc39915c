import { MurmurError } from '@murmur/api';

import { pageSizeOf } from '../catalog/page-size.js';
import { readPageToken, writePageToken } from '../catalog/page-token.js';

/** A list, and the filters that its page tokens hold for. */
export interface Page {
  readonly of: string;
  readonly filters: readonly string[];
  /** What the keys look like after which its pages begin. */
  readonly keys: RegExp;
}

/** How many to show, and after which one. Throws INVALID_ARGUMENT for a size out of bounds and for a token of another list. */
export function pageOf(page: Page, request: { pageSize: number; pageToken: string }): { size: number; after: string | undefined } {
  const { pageToken } = request;
  const size = pageSizeOf(request.pageSize);
  if (pageToken === '') return { size, after: undefined };
  const { key } = readPageToken(pageToken, page.of, JSON.stringify(page.filters));
  if (!page.keys.test(key)) throw new MurmurError('INVALID_ARGUMENT', 'invalid page_token', { hint: 'Start again without one.' });
  return { size, after: key };
}

/** The token of the page after these rows, of which one more than `size` was asked for; empty when this is the last. */
export function nextPage<Row>(page: Page, rows: readonly Row[], size: number, keyOf: (row: Row) => string): string {
  const last = rows.length > size ? rows[size - 1] : undefined;
  return last === undefined ? '' : writePageToken({ kind: page.of, sort: JSON.stringify(page.filters), key: keyOf(last), ordinal: 0 });
}
