import { ControlError } from './control-error.js';

/**
 * What happens to a call: `fail` answers an error and does nothing; `drop` hangs up and does nothing; `lose` does it and hangs
 * up; `twice` does it twice and answers the second; `empty` answers a list with nothing in it.
 */
export type FaultEffect = 'fail' | 'drop' | 'lose' | 'twice' | 'empty';

/** What the next calls meet. */
export interface Fault {
  /** The call's name; a `*` stands for anything. */
  readonly call: string;
  readonly effect: FaultEffect;
  /** How many calls meet it; the first ones of this name. */
  readonly times: number;
  readonly code?: string;
  readonly status?: number;
}

const effects: readonly FaultEffect[] = ['fail', 'drop', 'lose', 'twice', 'empty'];

/** The faults that calls are still to meet. */
export class Faults {
  private waiting: (Fault & { left: number })[] = [];

  /** Puts these in place of whatever was left. */
  replace(faults: readonly Fault[]): void {
    this.waiting = faults.map((fault) => ({ ...fault, left: fault.times }));
  }

  /** The fault that this call meets, used up once. */
  take(call: string): Fault | undefined {
    const met = this.waiting.find(({ left, call: pattern }) => left > 0 && matchesPattern(pattern, call));
    if (met !== undefined) met.left--;
    return met;
  }
}

/** Faults from a request's JSON. */
export function parseFaults(json: unknown): readonly Fault[] {
  if (!Array.isArray(json)) throw new ControlError('faults are a JSON list');
  return json.map((one: Partial<Fault>) => {
    if (typeof one.call !== 'string' || !effects.some((effect) => effect === one.effect) || typeof one.times !== 'number') {
      throw new ControlError(`a fault has a call, an effect of ${effects.join(', ')} and a number of times`);
    }
    return one as Fault;
  });
}

/** Whether a name fits a pattern, in which `*` stands for anything. */
export function matchesPattern(pattern: string, name: string): boolean {
  const source = pattern
    .split('*')
    .map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&'))
    .join('.*');
  return new RegExp(`^${source}$`, 's').test(name);
}
