/**
 * Whether a name matches a pattern in which `*` stands for any characters, also none. The time it takes grows with the
 * length of both and no faster, whatever they are: a regular expression with many stars would not promise that.
 */
export function matchesName(pattern: string, name: string): boolean {
  const [head = '', ...rest] = pattern.split('*');
  const tail = rest.pop();
  if (tail === undefined) return name === pattern;
  if (name.length < head.length + tail.length || !name.startsWith(head) || !name.endsWith(tail)) return false;
  const end = name.length - tail.length;
  let position = head.length;
  for (const part of rest) {
    const found = name.indexOf(part, position);
    if (found === -1 || found + part.length > end) return false;
    position = found + part.length;
  }
  return true;
}

/**
 * Patterns that together match the names that both of these match. Where one has several stars and neither holds the other there
 * are none: what they have in common could take very many patterns, and too few is safe where too many would not be.
 */
export function intersectPatterns(a: string, b: string): string[] {
  // A pattern read as a name matches only what is as wide or wider.
  if (matchesName(a, b)) return [b];
  if (matchesName(b, a)) return [a];
  const [headA = '', tailA, ...starsA] = a.split('*');
  const [headB = '', tailB, ...starsB] = b.split('*');
  if (tailA === undefined || tailB === undefined || starsA.length + starsB.length > 0) return [];
  const [head, tail] = [longer(headA, headB), longer(tailA, tailB)];
  if (![headA, headB].every((one) => head.startsWith(one)) || ![tailA, tailB].every((one) => tail.endsWith(one))) return [];
  // And the names that are so short that the head goes over into the tail.
  const overlaps = Array.from({ length: Math.min(head.length, tail.length) }, (_, at) => at + 1).flatMap((length) =>
    head.endsWith(tail.slice(0, length)) ? [head + tail.slice(length)] : [],
  );
  return [`${head}*${tail}`, ...overlaps.filter((name) => matchesName(a, name) && matchesName(b, name))];
}

function longer(a: string, b: string): string {
  return a.length > b.length ? a : b;
}
