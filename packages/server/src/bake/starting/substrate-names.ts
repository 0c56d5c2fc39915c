import { Substrate as SubstrateEnum } from '@murmur/api';

import type { SubstrateName } from '../../substrates/substrate.js';

/** The substrate of a document, without the enum's prefix. */
export function substrateNamed(value: SubstrateEnum): SubstrateName | undefined {
  const name = SubstrateEnum[value] as SubstrateName | 'UNSPECIFIED' | undefined;
  return name === 'UNSPECIFIED' ? undefined : name;
}

/** The substrate as messages write it: `SUBSTRATE_AWS`. */
export function prefixed(name: SubstrateName | undefined): string {
  return `SUBSTRATE_${name ?? 'UNSPECIFIED'}`;
}
