import { matchesPattern } from './faults.js';

/** When lists and look-ups show what was just made. */
export interface Lateness {
  /** What was just made cannot be seen by anybody for this long. */
  readonly lateMs: number;
  /** Readers who see it later still: the first whose pattern fits the call's name or the caller counts. */
  readonly lateReaders: readonly LateReader[];
}

/** Somebody who sees late, as of a copy of the data that lags behind. */
export interface LateReader {
  /** A call's name or a caller; `*` stands for anything. */
  readonly reader: string;
  readonly ms: number;
}

/** Who looks: by which call, and as whom. */
export interface Reader {
  readonly call: string;
  readonly caller: string;
}

/** Whether something born then can be seen by this reader now. */
export function isVisible(bornAt: number, now: number, reader: Reader, { lateMs, lateReaders }: Lateness): boolean {
  const late = lateReaders.find((one) => matchesPattern(one.reader, reader.call) || matchesPattern(one.reader, reader.caller));
  return now - bornAt >= (late?.ms ?? lateMs);
}
