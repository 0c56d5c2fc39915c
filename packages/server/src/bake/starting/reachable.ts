import { refusal } from '@murmur/api';

import { bakeErrors } from '../errors.js';
import { PlatformFault, type SubstrateName } from '../../substrates/substrate.js';
import { prefixed } from './substrate-names.js';

/** Asks a substrate on behalf of a caller who waits: a fault of the platform becomes UNAVAILABLE. */
export async function reachable<T>(substrate: SubstrateName, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof PlatformFault)) throw error;
    throw refusal(bakeErrors.substrateSilent, [prefixed(substrate), error.message], { cause: error });
  }
}
