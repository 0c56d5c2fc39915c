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

/** The flag `--if-generation`, for every command that changes one resource. */
export const ifGenerationFlag = {
  kind: 'parsed',
  parse: wholeNumber(0, Number.MAX_SAFE_INTEGER),
  optional: true,
  placeholder: 'N',
  brief: 'Only if the resource is still at this generation; 0 for not there yet',
} as const;

/** What a command with {@link ifGenerationFlag} receives. */
export type IfGenerationFlags = {
  readonly ifGeneration?: number;
};

/** The flag as a request carries it. */
export function ifGenerationOf({ ifGeneration }: IfGenerationFlags): { ifGeneration?: bigint } {
  return ifGeneration === undefined ? {} : { ifGeneration: BigInt(ifGeneration) };
}
