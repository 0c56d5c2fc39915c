import type { Logger } from 'pino';

import { createQemuSubstrate } from './qemu/index.js';
import type { Substrate, SubstrateName } from './substrate.js';

/** What a substrate may be made with. */
export interface SubstrateParts {
  /** What a substrate keeps on the server's own host lies below it. */
  readonly dataDir: string;
  /** A folder with a short path for sockets. */
  readonly runtimeDir: string;
  /** This installation's id, on everything made outside. */
  readonly installation: string;
  readonly log: Logger;
}

/** Opens a substrate. Rejects, with the reason, where this host or the operator's configuration does not have what it takes. */
export type OpenSubstrate = (parts: SubstrateParts) => Promise<Substrate>;

/** Every substrate there is, one line each. */
export const registry: { readonly [name in SubstrateName]?: OpenSubstrate } = {
  QEMU: createQemuSubstrate,
};
