import { refusal, Substrate as SubstrateEnum } from '@murmur/api';

import { PlatformFault, type Substrate, type SubstrateName } from '../../substrates/substrate.js';
import { bakeErrors } from '../errors.js';

/** The substrate of a document, without the enum's prefix. */
export function substrateNamed(value: SubstrateEnum): SubstrateName | undefined {
  const name = SubstrateEnum[value] as SubstrateName | 'UNSPECIFIED' | undefined;
  return name === 'UNSPECIFIED' ? undefined : name;
}

/** The substrate as messages write it: `SUBSTRATE_AWS`. */
export function prefixed(name: SubstrateName | undefined): string {
  return `SUBSTRATE_${name ?? 'UNSPECIFIED'}`;
}

/** A substrate of this server. Throws FAILED_PRECONDITION when it is not set up for that one. */
export function substrateFor(substrates: ReadonlyMap<SubstrateName, Substrate>, name: SubstrateName | undefined): Substrate {
  const substrate = name === undefined ? undefined : substrates.get(name);
  if (substrate === undefined) throw refusal(bakeErrors.substrateAbsent, [prefixed(name)]);
  return substrate;
}

/** Asks a substrate on behalf of a caller who waits: a fault of the platform becomes UNAVAILABLE. */
export async function reachable<T>(substrate: SubstrateName, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof PlatformFault)) throw error;
    throw refusal(bakeErrors.substrateSilent, [prefixed(substrate), error.message], { cause: error });
  }
}
