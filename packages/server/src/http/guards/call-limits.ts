import type { CallName } from '../call-rules.js';

/** How much one request of a call may bring. */
export interface CallLimits {
  /** Of its body, in whichever format. */
  readonly bytes: number;
  /** Its fields and list items, those of messages inside it too. */
  readonly elements: number;
}

const MiB = 1024 * 1024;

/** A document of 2 MiB, the longest there may be, even where JSON spells each byte as `\u0000`; and what stands around it. */
const documentBytes = 13 * MiB;

/** Names, filters and page tokens. */
const small: CallLimits = { bytes: 64 * 1024, elements: 5000 };

const others: { readonly [Name in CallName]?: CallLimits } = {
  setResource: { bytes: documentBytes, elements: 5000 },
  patchResource: { bytes: documentBytes, elements: 5000 },
  // 10,000 documents of three fields each; in JSON a field and what separates it from the next count both.
  applyResources: { bytes: documentBytes, elements: 100_000 },
  // 512 KiB of variables, however they are spelled.
  startBake: { bytes: 4 * MiB, elements: 5000 },
  // It has no field, and strangers may send it.
  listIssuers: { bytes: 1024, elements: 10 },
  // The arguments of a command.
  tryImage: { bytes: MiB, elements: 20_000 },
};

/** What a request of this call may bring. */
export function limitsOf(call: CallName): CallLimits {
  return others[call] ?? small;
}
