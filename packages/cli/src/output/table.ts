/** A table as Murmur prints them: upper-case headers, columns three spaces apart, nothing at the ends of lines. */
export function renderTable(headers: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [headers.map((header) => header.toUpperCase()), ...rows.map((row) => headers.map((_, index) => cell(row[index] ?? '')))];
  const widths = headers.map((_, index) => Math.max(...lines.map((line) => width(line[index] ?? ''))));
  return lines
    .map(
      (line) =>
        `${line
          .map((text, index) => pad(text, widths[index] ?? 0))
          .join('   ')
          .trimEnd()}\n`,
    )
    .join('');
}

/** Pairs of a label and a value, one a line, the values below each other. */
export function renderFields(fields: readonly (readonly [label: string, value: string])[]): string {
  const widest = Math.max(...fields.map(([label]) => width(label)));
  return fields.map(([label, value]) => `${`${pad(label, widest)}   ${value}`.trimEnd()}\n`).join('');
}

/** A cell is one line: what would break the table, or drive the terminal, becomes a space. */
function cell(text: string): string {
  return text.replaceAll(/\s*\p{Cc}+\s*/gu, ' ').trimEnd();
}

function pad(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - width(text)));
}

function width(text: string): number {
  return Array.from(text).length;
}
