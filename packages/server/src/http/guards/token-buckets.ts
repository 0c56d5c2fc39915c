/** How many are forgiven at first, and how fast more are. */
export interface BucketLimits {
  readonly burst: number;
  readonly perSecond: number;
}

/** How often something may happen, for each of many names. */
export interface TokenBuckets {
  /** How often it may happen to this name now. */
  left(name: string): number;
  /** Counts one, and gives what was left before. */
  spend(name: string): number;
}

/** As many names are remembered; beyond, the one that has been still for longest is forgotten. */
const maxRemembered = 10_000;

/** Counts that fall back with time, by the process's own clock. */
export function tokenBuckets({ burst, perSecond }: BucketLimits): TokenBuckets {
  const buckets = new Map<string, { readonly left: number; readonly at: number }>();
  const left = (name: string): number => {
    const bucket = buckets.get(name);
    if (bucket === undefined) return burst;
    return Math.min(burst, bucket.left + ((performance.now() - bucket.at) / 1000) * perSecond);
  };
  return {
    left,
    spend(name) {
      const before = left(name);
      buckets.delete(name);
      buckets.set(name, { left: Math.max(0, before - 1), at: performance.now() });
      forgetOldest(buckets);
      return before;
    },
  };
}

/** Keeps what is remembered to a number. */
export function forgetOldest(kept: Set<string> | Map<string, unknown>): void {
  const [oldest] = kept.size > maxRemembered ? kept.keys() : [];
  if (oldest !== undefined) kept.delete(oldest);
}
