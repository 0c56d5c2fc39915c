import { ConnectError } from '@connectrpc/connect';
import { kindNames, MurmurError } from '@murmur/api';

/**
 * The kind that a word was probably meant to be, such as `recipe` for `recipes`; undefined when it is one or resembles
 * none. The server may know more kinds than this client and has the last word.
 */
function similarKind(word: string): string | undefined {
  if (kindNames.includes(word)) return undefined;
  const plain = word.toLowerCase().replaceAll('_', '-');
  const ranked = kindNames.map((kind) => ({ kind, edits: editDistance(plain, kind) })).toSorted((a, b) => a.edits - b.edits);
  const [best] = ranked;
  return best !== undefined && best.edits <= 2 ? best.kind : undefined;
}

/** Levenshtein distance. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const replaced = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      current.push(Math.min(replaced, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}

/** What to say to someone who asked for a kind that is none. */
function kindHint(word: string): string | undefined {
  // Bakes are not resources, but it is easy to look for them among those.
  if (word === 'bake' || word === 'bakes') return 'Bakes are listed with: murmur bakes ls';
  const meant = similarKind(word);
  return meant === undefined ? undefined : `Did you mean ${meant}?`;
}

/** Adds "Did you mean" to a request that failed and whose kind looks misspelt. */
export async function withKindHint<Result>(kind: string, request: Promise<Result>): Promise<Result> {
  try {
    return await request;
  } catch (thrown) {
    const hint = kindHint(kind);
    if (hint === undefined || !(thrown instanceof ConnectError)) throw thrown;
    const error = MurmurError.from(thrown);
    if (error.code !== 'INVALID_ARGUMENT' && error.code !== 'NOT_FOUND') throw thrown;
    throw new MurmurError(error.code, error.message, { cause: thrown, hint });
  }
}
