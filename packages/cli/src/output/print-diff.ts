import type { Context } from '../context.js';
import type { DiffSide } from './unified-diff.js';

/** Prints the difference of two texts; in colours on a terminal that wants them. */
export async function printDiff({ env, stdout }: Context, before: DiffSide, after: DiffSide): Promise<void> {
  const { unifiedDiff } = await import('./unified-diff.js');
  const isColoured = stdout.isTTY === true && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
  if (isColoured) stdout.writeRaw(unifiedDiff(before, after, 'coloured'));
  else stdout.write(unifiedDiff(before, after, 'plain'));
}
