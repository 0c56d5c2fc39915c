/**
 * Finds any number of patterns in one pass over a stream (Aho and Corasick, 1975). A state stands for the longest end of
 * the stream so far that some pattern begins with; its time per byte does not grow with the number of patterns.
 */
export interface Automaton {
  /** The length of the longest pattern. */
  readonly longest: number;
  /** By state: how many bytes at the end of the stream begin a pattern. The first state, 0, stands for none. */
  readonly depth: Int32Array;
  /** By state: the length of the longest pattern that ends here, 0 if none does. */
  readonly matched: Int32Array;
  /** The state after one more byte. */
  step(state: number, byte: number): number;
}

/** A state with more children than this finds them in a table instead of a list. Those are the few near the root. */
const mostListed = 4;

/** Builds the automaton for these patterns, none of them empty. */
export function buildAutomaton(patterns: readonly Uint8Array[]): Automaton {
  const most = patterns.reduce((sum, pattern) => sum + pattern.length, 1);
  // A trie in arrays. Almost every state has one child.
  const label = new Uint8Array(most);
  const sibling = new Int32Array(most);
  const firstChild = new Int32Array(most);
  const depth = new Int32Array(most);
  const matched = new Int32Array(most);
  const fallback = new Int32Array(most);
  const children = new Uint16Array(most);
  const tableOf = new Int32Array(most);
  const tables: Int32Array[] = [];
  let size = 1;

  const childOf = (state: number, byte: number): number => {
    const table = tableOf[state] ?? 0;
    if (table !== 0) return tables[table - 1]?.[byte] ?? 0;
    let child = firstChild[state] ?? 0;
    while (child !== 0 && label[child] !== byte) child = sibling[child] ?? 0;
    return child;
  };
  const tableFrom = (first: number): Int32Array => {
    const table = new Int32Array(256);
    for (let child = first; child !== 0; child = sibling[child] ?? 0) table[label[child] ?? 0] = child;
    return table;
  };
  const addChild = (state: number, byte: number): number => {
    const child = size++;
    label[child] = byte;
    depth[child] = (depth[state] ?? 0) + 1;
    sibling[child] = firstChild[state] ?? 0;
    firstChild[state] = child;
    children[state] = (children[state] ?? 0) + 1;
    const table = tables[(tableOf[state] ?? 0) - 1];
    if (table !== undefined) table[byte] = child;
    else if ((children[state] ?? 0) > mostListed) tableOf[state] = tables.push(tableFrom(child));
    return child;
  };
  const step = (from: number, byte: number): number => {
    let state = from;
    for (;;) {
      const child = childOf(state, byte);
      if (child !== 0 || state === 0) return child;
      state = fallback[state] ?? 0;
    }
  };

  let longest = 0;
  for (const pattern of patterns) {
    let state = 0;
    for (const byte of pattern) state = childOf(state, byte) || addChild(state, byte);
    matched[state] = pattern.length;
    longest = Math.max(longest, pattern.length);
  }
  linkFallbacks({ size, firstChild, sibling, label, fallback, matched, step });
  return { longest, depth, matched, step };
}

/** Breadth first, because a state's fallback is always nearer to the root. */
function linkFallbacks(trie: {
  size: number;
  firstChild: Int32Array;
  sibling: Int32Array;
  label: Uint8Array;
  fallback: Int32Array;
  matched: Int32Array;
  step: Automaton['step'];
}): void {
  const queue = new Int32Array(trie.size);
  let length = 1;
  for (let at = 0; at < length; at++) {
    const state = queue[at] ?? 0;
    for (let child = trie.firstChild[state] ?? 0; child !== 0; child = trie.sibling[child] ?? 0) {
      const fallback = state === 0 ? 0 : trie.step(trie.fallback[state] ?? 0, trie.label[child] ?? 0);
      trie.fallback[child] = fallback;
      if (trie.matched[child] === 0) trie.matched[child] = trie.matched[fallback] ?? 0;
      queue[length++] = child;
    }
  }
}
