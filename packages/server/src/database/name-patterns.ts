import { type RawBuilder, sql } from 'kysely';

/**
 * The condition that a column's text matches one of these patterns, in which `*` stands for any characters: all rows for
 * `['*']`, none for `[]`.
 */
export function matchesAnyPattern(column: string, patterns: readonly string[]): RawBuilder<boolean> {
  if (patterns.includes('*')) return sql<boolean>`true`;
  // LIKE's own wildcards are plain characters here.
  const like = patterns.map((pattern) => pattern.replaceAll(/[\\%_]/g, '\\$&').replaceAll('*', '%'));
  return sql<boolean>`${sql.ref(column)} like any(${like}::text[])`;
}
