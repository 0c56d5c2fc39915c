import type { FaultKind } from '../substrate.js';

/** What each error code of a cloud asks for: the codes of one kind stand in one text, separated by spaces. */
export function faultCodes(table: Readonly<Partial<Record<FaultKind, string>>>): ReadonlyMap<string, FaultKind> {
  const entries = Object.entries(table) as [FaultKind, string][];
  return new Map(entries.flatMap(([kind, codes]) => codes.split(/\s+/).map((code) => [code, kind] as const)));
}

/** What an HTTP status asks for where the code is not known: a server that failed may not do so again. */
export function faultOfStatus(status: number): FaultKind | undefined {
  return status >= 500 || status === 429 ? 'slow-down' : undefined;
}
