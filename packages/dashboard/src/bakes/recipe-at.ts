import type { Timestamp } from '@bufbuild/protobuf/wkt';
import type { Generation } from '@murmur/api';

import { millis } from '../parts/time.js';

/** The generation that was the newest at a time; of those given, which are newest first. */
export function recipeAt(generations: readonly Generation[], at: Timestamp | undefined): Generation | undefined {
  if (at === undefined) return undefined;
  return generations.find(({ time }) => time !== undefined && millis(time) <= millis(at));
}
