import { kindOf } from '../client/kinds.js';
import { usageError } from '../failure.js';

/** A resource that a command line names. */
export interface Target {
  readonly kind: string;
  readonly name: string;
}

/** The resources that words name: `recipe a b`, or `recipe/a image/b`. A kind alone names none. */
export function readTargets([first = '', ...rest]: readonly string[]): Target[] {
  const isPaired = first.includes('/');
  return (isPaired ? [first, ...rest] : rest).map((word) => {
    const [kind = '', name = '', ...more] = isPaired ? word.split('/') : [first, word];
    if (kind === '' || name === '' || more.length > 0) {
      throw usageError(`"${word}" is not of the form kind/name`, 'Write it like recipe/hello.');
    }
    return { kind: kindOf(kind), name };
  });
}
