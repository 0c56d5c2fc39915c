import { hkdfSync } from 'node:crypto';

import type { KeyProvider } from './key-provider.js';
import { openWith, sealWith } from './sealing.js';

const key = Buffer.from(hkdfSync('sha256', 'for tests', '', '', 32));

/** A key-encryption key that lives nowhere but in tests. */
export const testKeyProvider: KeyProvider = {
  id: 'test',
  wrap: async (plain, associated) => sealWith(key, plain, associated),
  unwrap: async (_id, wrapped, associated) => openWith(key, wrapped, associated),
};
