import { MurmurError } from '@murmur/api';

import { PlatformFault, type PlacementFinding } from '../substrate.js';

/** What a look at something comes to: what was found, or why it failed and what to do about it. */
export async function findingOf(check: string, look: () => Promise<string>, remedy: string): Promise<PlacementFinding> {
  try {
    return { check, outcome: 'ok', found: await look() };
  } catch (error) {
    if (!(error instanceof MurmurError || error instanceof PlatformFault)) throw error;
    return { check, outcome: 'failed', found: error.message, remedy: error instanceof MurmurError ? (error.hint ?? remedy) : remedy };
  }
}
