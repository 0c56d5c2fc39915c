import { randomBytes } from 'node:crypto';

import { MurmurError } from '@murmur/api';

/** Whatever a login prints before our command begins; more than this is no greeting. */
const mostGreeting = 1024 * 1024;
const shownGreeting = 200;

interface Sink {
  stdout(chunk: Buffer): void;
  stderr(chunk: Buffer): void;
}

/** One command on its way through a login whose shell and start files are an image's own. */
export interface FramedCommand {
  /** What is sent. */
  readonly command: string;
  /** Gets what comes back, and hands on what the command itself wrote. */
  readonly sink: Sink;
  /** Throws when the login ended without ever running the command: what came then is the login's, not the command's. */
  assertBegun(): void;
}

/**
 * Wraps a line for `sh` so that any shell of a login only starts `sh`, and everything that is printed before the line begins
 * is told from its output: both streams carry a word that nobody can know in advance.
 */
export function frameCommand(command: string, sink: Sink): FramedCommand {
  const word = `murmur-${randomBytes(12).toString('hex')}`;
  const stdout = afterWord(word, (chunk) => sink.stdout(chunk));
  const stderr = afterWord(word, (chunk) => sink.stderr(chunk));
  return {
    command: `exec sh -c 'echo ${word}; echo ${word} >&2; eval "shift;$(printf %b "$1")"' sh ${escaped(command)}`,
    sink: { stdout: stdout.take, stderr: stderr.take },
    assertBegun() {
      if (stdout.found()) return;
      const said = JSON.stringify(`${stdout.greeting()}${stderr.greeting()}`.trim().slice(-shownGreeting));
      throw new MurmurError('FAILED_PRECONDITION', `the image's login runs no commands; it says ${said}`, {
        hint: 'Give root a shell that takes -c, without start files that end it or start another one, and bake the image again.',
      });
    },
  };
}

/** One word that every shell takes for itself, whatever it does to quotes and backslashes: for `printf %b`. */
function escaped(text: string): string {
  if (text.includes('\0')) throw new TypeError('a command cannot hold a NUL byte');
  const plain = text.replaceAll(/[^A-Za-z0-9 _/:=.,@%+-]/gu, (character) =>
    [...Buffer.from(character)].map((byte) => `\\0${byte.toString(8).padStart(3, '0')}`).join(''),
  );
  return `'${plain}'`;
}

/** Holds a stream back until a line that ends in the word has gone by. */
function afterWord(word: string, hand: (chunk: Buffer) => void) {
  const mark = Buffer.from(`${word}\n`);
  let held: Buffer | undefined = Buffer.alloc(0);
  let length = 0;
  return {
    take(chunk: Buffer): void {
      if (held === undefined) return hand(chunk);
      length += chunk.length;
      const text = Buffer.concat([held, chunk]);
      const at = text.indexOf(mark);
      if (at >= 0) {
        held = undefined;
        const rest = text.subarray(at + mark.length);
        if (rest.length > 0) hand(rest);
        return;
      }
      if (length > mostGreeting) throw new MurmurError('FAILED_PRECONDITION', "the image's login prints without an end", {});
      held = text.subarray(Math.max(0, text.length - mark.length - shownGreeting));
    },
    found: () => held === undefined,
    greeting: () => (held ?? Buffer.alloc(0)).toString('utf8'),
  };
}
