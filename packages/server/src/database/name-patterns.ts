import { type RawBuilder, sql } from 'kysely';

/** Above every text that begins like the one before it, in the order of bytes. */
const highest = '\u{10ffff}';

/**
 * The condition that a column's text matches one of these patterns, in which `*` stands for any characters: all rows for
 * `['*']`, none for `[]`. What a pattern begins with is a range, so that a few names among very many come from an index.
 */
export function matchesAnyPattern(column: string, patterns: readonly string[]): RawBuilder<boolean> {
  if (patterns.includes('*')) return sql<boolean>`true`;
  if (patterns.length === 0) return sql<boolean>`false`;
  return sql<boolean>`(${sql.join(
    patterns.map((pattern) => matches(column, pattern)),
    sql` or `,
  )})`;
}

function matches(column: string, pattern: string): RawBuilder<boolean> {
  const text = sql.ref(column);
  const [start = '', ...rest] = pattern.split('*');
  if (rest.length === 0) return sql<boolean>`${text} = ${pattern}::text`;
  const bytes = sql`${text} collate "C"`;
  const range = sql<boolean>`(${bytes} >= ${start}::text and ${bytes} < ${start + highest}::text)`;
  // The range is all of it, and the database guesses better how many rows there are from one condition than from two.
  if (rest.join('') === '') return range;
  // LIKE's own wildcards are plain characters here.
  const like = pattern.replaceAll(/[\\%_]/g, '\\$&').replaceAll('*', '%');
  const isLike = sql<boolean>`${text} like ${like}::text`;
  return start === '' ? isLike : sql<boolean>`(${range} and ${isLike})`;
}
