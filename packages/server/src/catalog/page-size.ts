import { MurmurError } from '@murmur/api';

const defaultPageSize = 100;
const maxPageSize = 1000;

/** How many entries a page has at most. Throws INVALID_ARGUMENT. */
export function pageSizeOf(requested: number): number {
  if (requested === 0) return defaultPageSize;
  if (Number.isInteger(requested) && requested >= 1 && requested <= maxPageSize) return requested;
  throw new MurmurError('INVALID_ARGUMENT', `page_size must be between 1 and ${maxPageSize}`);
}
