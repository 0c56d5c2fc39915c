import { FILE_HEADERS_ONLY, createTwoFilesPatch } from 'diff';

import { showControls } from './shown-controls.js';

/** One side of a comparison. */
export interface DiffSide {
  readonly label: string;
  readonly about: string;
  readonly text: string;
}

/** A longer search for the smallest difference is not worth the wait. */
const patienceMs = 3000;

/**
 * The difference of two texts in the unified format, three lines around each change; coloured, with the texts' own control
 * characters in view. This file is loaded only for a diff.
 */
export function unifiedDiff(before: DiffSide, after: DiffSide, style: 'plain' | 'coloured'): string {
  const options = { context: 3, timeout: patienceMs, headerOptions: FILE_HEADERS_ONLY };
  const patch =
    createTwoFilesPatch(before.label, after.label, before.text, after.text, before.about, after.about, options) ?? whole(before, after);
  // Only the colours of this program reach the terminal.
  return style === 'plain' ? patch : showControls(patch).replaceAll(/^.*$/gm, coloured);
}

/** Every line taken out and every line put in: a difference too, if not the smallest. */
function whole(before: DiffSide, after: DiffSide): string {
  const [old, now] = [linesOf(before), linesOf(after)];
  return [
    `--- ${before.label}\t${before.about}`,
    `+++ ${after.label}\t${after.about}`,
    `@@ -${old.length === 0 ? 0 : 1},${old.length} +${now.length === 0 ? 0 : 1},${now.length} @@`,
    ...old.map((line) => `-${line}`),
    ...now.map((line) => `+${line}`),
    '',
  ].join('\n');
}

function linesOf({ text }: DiffSide): string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n');
}

function coloured(line: string): string {
  const escape = '\u001b[';
  if (/^(?:---|\+\+\+) /.test(line)) return `${escape}1m${line}${escape}0m`;
  if (line.startsWith('@@')) return `${escape}36m${line}${escape}0m`;
  if (line.startsWith('-')) return `${escape}31m${line}${escape}0m`;
  return line.startsWith('+') ? `${escape}32m${line}${escape}0m` : line;
}
