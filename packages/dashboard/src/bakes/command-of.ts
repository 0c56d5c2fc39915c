import type { Bake } from '@murmur/api';

/** What starts the same bake in a terminal. Names need no quotes: they are made of letters, digits and dashes. */
export function commandOf({ environment, placement, recipe }: Pick<Bake, 'recipe' | 'environment' | 'placement'>): string {
  return `murmur bake ${recipe} ${environment} ${placement}`;
}
