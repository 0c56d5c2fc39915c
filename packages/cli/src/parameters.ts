import { numberParser } from '@stricli/core';

/** A positional argument that is any text. */
export function textArgument<const Placeholder extends string>(placeholder: Placeholder, brief: string) {
  return { parse: String, placeholder, brief } as const;
}

/** Parses a whole number between two bounds, both included. */
export function wholeNumber(minimum: number, maximum: number): (input: string) => number {
  return (input) => {
    const value = numberParser(input);
    if (!Number.isInteger(value) || value < minimum || value > maximum) {
      throw new SyntaxError(`must be a whole number from ${minimum} to ${maximum}`);
    }
    return value;
  };
}
