import { ConnectError } from '@connectrpc/connect';
import { kindNames, MurmurError, similarWord } from '@murmur/api';

/** The kind that a word names: also its plural, as `recipes` and `machine-types`. */
export function kindOf(word: string): string {
  const singular = word.replace(/s$/, '');
  return !kindNames.includes(word) && kindNames.includes(singular) ? singular : word;
}

/** A positional argument that is a kind. */
export function kindArgument(brief: string) {
  return { parse: kindOf, placeholder: 'kind', brief } as const;
}

/** What to say to someone who asked for a kind that is none. */
function kindHint(word: string): string | undefined {
  // Bakes are not resources, but it is easy to look for them among those.
  if (word === 'bake' || word === 'bakes') return 'Bakes are listed with: murmur bakes ls';
  const meant = similarWord(word.toLowerCase().replaceAll('_', '-'), kindNames);
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
