import type { Input, Surroundings } from '../surroundings.js';
import { CliError, usageError } from '../failure.js';
import { readTextInput } from './read-text.js';

const enter = new Set(['\r', '\n']);
const interrupt = '\u0003';
const endOfInput = '\u0004';
const backspace = new Set(['\u007f', '\b']);
const clearLine = '\u0015';

/**
 * A secret's value. From a terminal: one line, typed or pasted without being shown. Otherwise all of standard input, as
 * it is, without one line break at its end.
 */
export async function readSecretValue(context: Pick<Surroundings, 'stdin' | 'stderr'>, name: string): Promise<string> {
  const value = context.stdin.isTTY === true ? await askFor(context, name) : withoutLineBreak(await readTextInput(context.stdin));
  if (value !== '') return value;
  throw new CliError('INVALID_ARGUMENT', `the value of ${name} is empty`, { hint: 'Type the value, or pipe it in.', exitCode: 2 });
}

/** For a command that was given the value itself. */
export function valueAsArgument(name: string): CliError {
  return usageError(
    'the value of a secret is never an argument: process lists show those to everyone',
    `Run "murmur secret set ${name}" and type the value, or pipe it in.`,
  );
}

/** Programs end their last line; the line break belongs to that, not to the value. */
function withoutLineBreak(text: string): string {
  return text.replace(/\r?\n$/, '');
}

/** In raw mode, where the terminal shows nothing and hands over every key. */
async function askFor({ stderr, stdin }: Pick<Surroundings, 'stdin' | 'stderr'>, name: string): Promise<string> {
  stdin.setRawMode?.(true);
  try {
    // Only now: whoever types at once must not see it either.
    stderr.write(`Value of ${name} (not shown): `);
    return await readLine(stdin);
  } finally {
    stdin.setRawMode?.(false);
    stderr.write('\n');
  }
}

async function readLine(stdin: Input): Promise<string> {
  const decoder = new TextDecoder('utf-8');
  const line: string[] = [];
  for await (const chunk of stdin) {
    const typed = typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true });
    const characters = Array.from(typed);
    for (const [at, character] of characters.entries()) {
      if (character === interrupt) throw new CliError('CANCELLED', 'nothing was set', { exitCode: 130 });
      if (enter.has(character) || character === endOfInput) {
        refuseMore(characters.slice(at + 1));
        return line.join('');
      }
      if (backspace.has(character)) line.pop();
      else if (character === clearLine) line.length = 0;
      else line.push(character);
    }
  }
  return line.join('');
}

/** What follows in the same breath was pasted with it: a value cut off at its first line would be stored as if it were whole. */
function refuseMore(rest: readonly string[]): void {
  if (rest.every((character) => enter.has(character))) return;
  throw new CliError('INVALID_ARGUMENT', 'the value has several lines', {
    hint: 'Pipe it in: murmur secret set NAME < FILE',
    exitCode: 2,
  });
}
