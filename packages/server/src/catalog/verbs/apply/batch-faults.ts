import { type Fault, MurmurError } from '@murmur/api';

/** The document at fault: its place among all of them, and where it comes from. */
export interface FaultyDocument {
  readonly index: number;
  readonly origin: string;
}

/** More faults than this help nobody, and answers have to stay small. */
const maxFaults = 200;

/** Collects what is wrong with the documents of a batch. */
export class BatchFaults {
  readonly #found: { readonly index: number; readonly fault: Fault }[] = [];

  /** Adds the faults of an error, each with the document's origin, but for those that are `ignored`. */
  add({ index, origin }: FaultyDocument, error: MurmurError, ignored: (fault: Fault) => boolean = () => false): void {
    for (const fault of error.faults) {
      if (ignored(fault)) continue;
      const message = origin === '' ? fault.message : `${origin}: ${fault.message}`;
      this.#found.push({ index, fault: { ...fault, message } });
    }
  }

  /** Throws all of them, in the order of the documents, unless there are none. */
  throwIfAny(): void {
    const sorted = this.#found.toSorted((a, b) => a.index - b.index).map(({ fault }) => fault);
    const [first, ...others] = sorted.slice(0, maxFaults);
    if (first === undefined) return;
    const left = sorted.slice(maxFaults);
    // A denial among them must still show as one in the audit log.
    const code = left.some((fault) => fault.code === 'PERMISSION_DENIED') ? 'PERMISSION_DENIED' : first.code;
    const rest: Fault[] = left.length > 0 ? [{ code, message: `and ${left.length} more faults` }] : [];
    throw MurmurError.ofFaults([first, ...others, ...rest]);
  }
}
