/** One document of a file. */
export interface DocumentText {
  readonly text: string;
  /** The line of the file it starts at. */
  readonly line: number;
}

/**
 * The values of a JSON list, or JSON objects that follow each other, each as it is written; undefined for what does not look
 * like either. Columns stay what they are in the file.
 */
export function jsonValues(text: string): DocumentText[] | undefined {
  const first = /\S/.exec(text)?.[0];
  if (first !== '[' && first !== '{') return undefined;
  const base = first === '[' ? 1 : 0;
  const found: DocumentText[] = [];
  const place = { line: 1, lineStart: 0 };
  let depth = 0;
  let from: DocumentText | undefined;
  let startIndex = 0;
  let isClosed = false;
  // A string, a bracket, a line end, or a run of anything else.
  const pieces = /"(?:[^"\\\n]|\\.)*"|[[\]{}]|\n|[^"[\]{}\n]+|"/g;
  for (const { 0: piece, index } of text.matchAll(pieces)) {
    if (piece === '\n') {
      place.line += 1;
      place.lineStart = index + 1;
    } else if (piece === '{' || piece === '[') {
      if (isClosed) return undefined;
      if (depth === base && !(base === 0 && piece === '[')) {
        startIndex = index;
        from = { text: ' '.repeat(Math.min(index - place.lineStart, 200)), line: place.line };
      }
      depth += 1;
    } else if (piece === '}' || piece === ']') {
      depth -= 1;
      if (depth === base && from !== undefined) {
        found.push({ text: from.text + text.slice(startIndex, index + 1), line: from.line });
        from = undefined;
      }
      isClosed = base === 1 && depth === 0;
    } else if (depth <= base && !/^[\s,]*$/.test(piece)) {
      return undefined;
    }
  }
  return depth === 0 ? found : undefined;
}
