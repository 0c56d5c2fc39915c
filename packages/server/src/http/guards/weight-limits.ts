import { MurmurError } from '@murmur/api';

/** How many messages may lie in each other: ours do so three times, and what reads them recurses. */
export const maxDepth = 32;

/** A message of too many elements. */
export function tooMany(maxElements: number): MurmurError {
  return new MurmurError('RESOURCE_EXHAUSTED', `the request has more than ${maxElements} elements`, { hint: 'Send it in several parts.' });
}

/** A message that lies too deep in others. */
export function tooDeep(): MurmurError {
  return new MurmurError('INVALID_ARGUMENT', 'the request is nested too deeply');
}
