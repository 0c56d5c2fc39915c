import { type Fault, MurmurError } from '@murmur/api';

import { api } from '../app/transport.js';
import { type LineFault, lineFaults } from './line-faults.js';

/** What the server would say to a document of a kind, without writing it. */
export async function dryRun(kind: string, text: string): Promise<readonly LineFault[]> {
  try {
    await api.applyResources({ dryRun: true, documents: [{ text: `kind: ${kind}\n${text}`, origin: '', line: 1 }] });
    return [];
  } catch (error) {
    const { code, faults } = MurmurError.from(error);
    if (code === 'UNAVAILABLE' || code === 'UNKNOWN') return [];
    return lineFaults(text, faults.map(oneLineUp));
  }
}

/** The line that says the kind is not in the editor. */
function oneLineUp(fault: Fault): Fault {
  const message = fault.message.replaceAll(/\bline (\d+), column/g, (_, line) => `line ${Math.max(1, Number(line) - 1)}, column`);
  return { ...fault, message };
}
