import type { DescMessage } from '@bufbuild/protobuf';

import { assertBinaryWeight } from './binary-weight.js';
import { assertJsonWeight } from './json-weight.js';

/** How a message is written down. */
export type MessageFormat = 'binary' | 'json';

/**
 * Throws unless a message holds at most this many elements: fields and list items, also unknown ones. Nothing is built for
 * it, because two bytes may become an object of hundreds, and what is counted afterwards has taken its memory already.
 */
export function assertWeight(bytes: Uint8Array, schema: DescMessage, format: MessageFormat, maxElements: number): void {
  if (format === 'json') assertJsonWeight(bytes, schema, maxElements);
  else assertBinaryWeight(bytes, schema, maxElements);
}
