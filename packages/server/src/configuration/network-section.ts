import { isIP } from 'node:net';

import type { Section } from './reader.js';

/** What the operator has decided about networks. */
export interface Network {
  /** What machines on this host may connect to: `any`, or what is listed: prefixes, and `internet`. */
  readonly guests: 'any' | readonly string[];
}

/** What applies where nothing is configured: nothing of the host and its private networks. */
export const defaultNetwork: Network = { guests: ['internet'] };

/** The section `network`. */
export function readNetwork(root: Section): Network {
  const section = root.section('network', ['guests']);
  return { guests: (section === undefined ? undefined : readGuests(section)) ?? defaultNetwork.guests };
}

function readGuests(section: Section): Network['guests'] | undefined {
  const written = section.textOrTexts('guests');
  if (written === 'any' || written === undefined) return written;
  if (typeof written === 'string') {
    if (written !== 'internet') section.refuse('guests', `"${written}" is neither internet, nor any, nor a list`);
    return defaultNetwork.guests;
  }
  for (const [index, one] of written.entries()) {
    if (one !== 'internet' && !isPrefix(one))
      section.refuse(`guests[${index}]`, `"${one}" is neither internet nor a prefix such as 10.1.0.0/16`);
  }
  return written;
}

/** Whether this text is an address or a prefix of addresses, such as `10.1.0.0/16`. */
function isPrefix(text: string): boolean {
  const [, address = '', length] = /^([0-9a-f.:]+)(?:\/(\d{1,3}))?$/i.exec(text) ?? [];
  const family = isIP(address);
  return family !== 0 && (length === undefined || Number(length) <= (family === 4 ? 32 : 128));
}
