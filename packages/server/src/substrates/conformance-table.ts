import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

const folder = resolve(import.meta.dirname, '../../../../docs/development/conformance');

/** What came of one call of the port while one call on the substrate's wire met a fault. */
export interface Row {
  readonly call: string;
  /** The call on the wire. */
  readonly at: string;
  readonly fault: string;
  /** What the call of the port came to. */
  readonly first: string;
  /** What it came to when it was made again, with the same token. */
  readonly repeated: string;
  /** What was left at the place once everything was removed. */
  readonly left: string;
}

const heads = ['call of the port', 'call on the wire', 'no fault', 'reply lost', 'fails once', 'busy once', 'hangs', 'denied'];

/**
 * Compares the rows with the table in the documentation, and gives what is in one of them only; of a part of the rows, those that
 * it does not have. With `MURMUR_TABLES=write` it is written there first.
 */
export async function tableFaults(substrate: string, rows: readonly Row[], extent: 'whole' | 'part'): Promise<readonly string[]> {
  if (rows.length === 0) return [];
  const file = join(folder, `${substrate.toLowerCase()}.md`);
  const text = tableOf(substrate, rows);
  process.stdout.write(process.env['MURMUR_TABLES'] === undefined ? `${sumOf(substrate, rows)}\n` : `${text}\n`);
  if (process.env['MURMUR_TABLES'] === 'write' && extent === 'whole') {
    await mkdir(folder, { recursive: true });
    await writeFile(file, text);
  }
  const documented = await readFile(file, 'utf8');
  if (extent === 'part') return rows.filter((row) => !isDocumented(documented, row)).map((row) => JSON.stringify(row));
  const [ours, theirs] = [text, documented].map((all) => all.split('\n'));
  return [
    ...(ours ?? []).filter((line) => theirs?.includes(line) !== true),
    ...(theirs ?? []).filter((line) => ours?.includes(line) !== true),
  ];
}

function sumOf(substrate: string, rows: readonly Row[]): string {
  const counts = new Map<string, number>();
  for (const { first } of rows) counts.set(first, (counts.get(first) ?? 0) + 1);
  const sums = [...counts].map(([first, count]) => `${count} ${first}`);
  return `${substrate} under ${rows.length} faults at first: ${sums.join(', ')}; repeated: done; left: nothing`;
}

function tableOf(substrate: string, rows: readonly Row[]): string {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const key = `${row.call}: ${row.at}`;
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  const lines = [...groups.values()].map((group) => lineOf(group));
  return [
    `# ${substrate} under faults`,
    '',
    'Written by the conformance suite with `MURMUR_TABLES=write`, and compared by every run of it. A cell is what the call of the port',
    'came to at first; it was then repeated with its token, and at last everything was removed.',
    '',
    `| ${[...heads, 'repeated', 'left'].join(' | ')} |`,
    `|${'---|'.repeat(heads.length + 2)}`,
    ...lines,
    '',
  ].join('\n');
}

function lineOf(group: readonly Row[]): string {
  const [first] = group;
  const cells = heads.slice(2).map((fault) => group.find((row) => row.fault === fault)?.first ?? '');
  const both = [group.map(({ repeated }) => repeated), group.map(({ left }) => left)].map((all) => [...new Set(all)].join(', '));
  return `| ${[first?.call, first?.at, ...cells, ...both].join(' | ')} |`;
}

function isDocumented(documented: string, { at, call, fault, first }: Row): boolean {
  const line = documented.split('\n').find((text) => text.startsWith(`| ${call} | ${at} |`));
  return line?.split('|')[heads.indexOf(fault) + 1]?.trim() === first;
}
