import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

const folder = resolve(import.meta.dirname, '../../docs/development/conformance');

/** What came of one bake whose server was killed. */
export interface CrashRow {
  /** Where it was killed. */
  readonly at: string;
  readonly runs: number;
  readonly phase: string;
  readonly attempt: number;
  readonly log: readonly string[];
  readonly images: number;
  readonly left: readonly string[];
  /** What a second request for the same was told. */
  readonly again: string | undefined;
}

const heads = ['killed when', 'runs', 'phase', 'attempts', 'lines of log', 'images', 'left', 'asked again'];

/**
 * Gives the lines for these rows that the table in the documentation does not have. With `MURMUR_TABLES=write` it is written there
 * first.
 */
export async function crashTableFaults(substrate: string, rows: readonly CrashRow[]): Promise<readonly string[]> {
  const file = join(folder, `${substrate.toLowerCase()}-killed.md`);
  const text = [
    `# ${substrate} with its server killed`,
    '',
    'Written by the crash sweep with `MURMUR_TABLES=write`, and compared by every sweep. Each line is a bake whose server was killed with',
    'SIGKILL where it says, started again, and given time to tidy up.',
    '',
    lineOf(heads),
    `|${'---|'.repeat(heads.length)}`,
    ...rows.map(({ again, at, attempt, images, left, log, phase, runs }) =>
      lineOf([at, runs, phase, attempt, log.length, images, left.join(', ') || 'nothing', again ?? 'baked again']),
    ),
    '',
  ].join('\n');
  process.stdout.write(`${text}\n`);
  if (process.env['MURMUR_TABLES'] === 'write') await writeFile(file, text);
  const documented = (await readFile(file, 'utf8')).split('\n');
  return text.split('\n').filter((line) => !documented.includes(line));
}

function lineOf(cells: readonly (string | number)[]): string {
  return `| ${cells.join(' | ')} |`;
}
