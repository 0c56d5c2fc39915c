import { readFileSync } from 'node:fs';

/** What systems allow at the least that do not say it in `/proc`. */
const unknownLimit = 256;

/** As many as a server ever needs for its clients, however many files it may open. */
const mostByDefault = 4096;

/** The least that its own work needs: the database, machines with their sockets, logs and disks. */
const ownFiles = 128;

/** With fewer a server would be of no use. */
export const leastConnections = 16;

/** How many files and connections this process may have open at once. */
export function openFileLimit(): number {
  const [, soft] =
    process.platform === 'linux' ? (/^Max open files +(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []) : [];
  return soft === 'unlimited' ? Number.MAX_SAFE_INTEGER : Number(soft ?? unknownLimit);
}

/** How many of the files that may be open clients' connections get unless told otherwise, and at most. */
export function connectionsWithin(fileLimit: number): { readonly byDefault: number; readonly most: number } {
  return {
    byDefault: Math.max(leastConnections, Math.min(mostByDefault, Math.floor(fileLimit / 2))),
    most: Math.max(leastConnections, fileLimit - Math.max(ownFiles, Math.ceil(fileLimit / 4))),
  };
}
