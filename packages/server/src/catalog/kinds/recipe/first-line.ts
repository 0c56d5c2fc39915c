/** What keeps a script's first line from saying which interpreter runs it. */
export type FirstLineFault = 'byteOrderMark' | 'carriageReturn' | 'lateInterpreter';

/** The most of a line that a message quotes. */
const mostShown = 60;

/**
 * What is wrong with a script's first line, as editors and other systems leave it, and the line to quote. Such a script is
 * run by `sh` whatever it names, or by nothing.
 */
export function firstLineFault(script: string): { readonly fault: FirstLineFault; readonly line: string } | undefined {
  const found = (fault: FirstLineFault) => ({ fault, line: shown(script) });
  if (script.startsWith('\uFEFF')) return found('byteOrderMark');
  if (script.split('\n', 1)[0]?.endsWith('\r') === true) return found('carriageReturn');
  if (/^\s+#!/.test(script)) return found('lateInterpreter');
  return undefined;
}

/** Each fault in words, about the line. */
export const firstLineWords: Readonly<Record<FirstLineFault, (line: string) => string>> = {
  byteOrderMark: (line) => `a byte order mark stands before "${line}"`,
  carriageReturn: (line) => `the line "${line}" ends with a carriage return (CRLF)`,
  lateInterpreter: (line) => `"${line}" has to be the first line, with nothing before it`,
};

/** The first line that says something, fit for a message. */
function shown(script: string): string {
  // The byte order mark counts as white space.
  const line = script.trimStart().split('\n', 1)[0] ?? '';
  const plain = line.trimEnd().replaceAll(/\p{Cc}/gu, '\uFFFD');
  return plain.length > mostShown ? `${plain.slice(0, mostShown)}…` : plain;
}
