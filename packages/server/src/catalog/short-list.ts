const shown = 3;

/** The first few of many values and how many more there are, for a column of a table. */
export function shortList(values: readonly string[]): string {
  const more = values.length - shown;
  // One more takes no more room than saying so.
  if (more <= 1) return values.join(', ');
  return `${values.slice(0, shown).join(', ')} and ${more} more`;
}
