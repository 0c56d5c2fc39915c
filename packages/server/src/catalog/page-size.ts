import { MurmurError } from '@murmur/api';
import { type RawBuilder, sql } from 'kysely';

/** How many entries a page of a list has. */
export interface PageSizes {
  readonly usual: number;
  readonly most: number;
}

const pageSizes: PageSizes = { usual: 100, most: 1000 };

/** A page ends early once its documents come to this: a thousand scripts of 256 KiB would fill a server's memory. */
const maxPageBytes = 4 * 1024 * 1024;

/** How many entries a page has at most. Throws INVALID_ARGUMENT. */
export function pageSizeOf(requested: number, { usual, most }: PageSizes = pageSizes): number {
  if (requested === 0) return usual;
  if (Number.isInteger(requested) && requested >= 1 && requested <= most) return requested;
  throw new MurmurError('INVALID_ARGUMENT', `page_size must be between 1 and ${most}`);
}

/** Of rows in this order, how many bytes the specifications of those before each come to. */
export function bytesBefore(order: RawBuilder<unknown>): RawBuilder<number | null> {
  return sql`sum(octet_length(spec::text)) over (order by ${order} rows between unbounded preceding and 1 preceding)`;
}

/** Whether a row, whose {@link bytesBefore} is in this column, still belongs to a page. The first one always does. */
export function fitsPage(column: string): RawBuilder<boolean> {
  return sql`coalesce(${sql.ref(column)}, 0) < ${maxPageBytes}`;
}
