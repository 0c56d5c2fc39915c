import {
  AliasNotFoundError,
  ArgumentParseError,
  EnumValidationError,
  FlagNotFoundError,
  UnexpectedFlagError,
  UnexpectedPositionalError,
  UnsatisfiedFlagError,
  UnsatisfiedPositionalError,
} from '@stricli/core';
import { similarWord } from '@murmur/api/similar';

/** What is wrong with a command line, and what may have been meant. */
export interface UsageMessage {
  readonly message: string;
  readonly hint: string;
}

/** The parser's complaints in Murmur's own words. */
export function usageMessage(thrown: unknown): UsageMessage {
  const meant = thrown instanceof FlagNotFoundError ? similarWord(bare(thrown.input), thrown.corrections.map(bare)) : undefined;
  const hint = meant === undefined ? 'Add --help to see how it is used.' : `Did you mean --${meant}?`;
  return { message: messageFor(thrown), hint };
}

function messageFor(thrown: unknown): string {
  if (thrown instanceof FlagNotFoundError) return `unknown flag ${asFlag(thrown.input)}`;
  if (thrown instanceof AliasNotFoundError) return `unknown flag -${thrown.input}`;
  if (thrown instanceof EnumValidationError) {
    return `--${kebab(thrown.externalFlagName)} "${thrown.input}": must be ${thrown.values.join(', ')}`;
  }
  if (thrown instanceof ArgumentParseError) {
    const why = thrown.exception instanceof Error ? thrown.exception.message : String(thrown.exception);
    return `${kebab(thrown.externalFlagNameOrPlaceholder)} "${thrown.input}": ${why}`;
  }
  if (thrown instanceof UnsatisfiedFlagError) return `--${kebab(thrown.externalFlagName)} needs a value`;
  if (thrown instanceof UnexpectedFlagError) return `--${kebab(thrown.externalFlagName)} is given more than once`;
  if (thrown instanceof UnsatisfiedPositionalError) return `<${thrown.placeholder}> is required`;
  if (thrown instanceof UnexpectedPositionalError) return `unexpected argument "${thrown.input}"`;
  return thrown instanceof Error ? thrown.message : String(thrown);
}

function bare(flag: string): string {
  return kebab(flag.replace(/^--?/, ''));
}

function asFlag(name: string): string {
  return name.startsWith('-') ? name : `--${name}`;
}

function kebab(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
