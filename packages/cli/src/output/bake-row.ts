import type { Bake } from '@murmur/api';

import { renderSeconds, renderTime, secondsBetween } from './time.js';

/** The columns of a list of bakes. */
export const bakeHeaders = ['run id', 'recipe', 'environment', 'placement', 'hash', 'phase', 'started', 'duration', 'error'] as const;

const errorWidth = 100;

/** One bake as a row below {@link bakeHeaders}; a short hash is its first 12 characters. */
export function bakeRow(bake: Bake, hash: 'full' | 'short'): string[] {
  const [firstLine = ''] = bake.error.split('\n');
  return [
    bake.runId,
    bake.recipe,
    bake.environment,
    bake.placement,
    hash === 'full' ? bake.imageHash : bake.imageHash.slice(0, 12),
    bake.phase,
    renderTime(bake.createTime),
    renderSeconds(secondsBetween(bake.createTime, bake.endTime)),
    firstLine.length > errorWidth ? `${firstLine.slice(0, errorWidth - 1)}…` : firstLine,
  ];
}
