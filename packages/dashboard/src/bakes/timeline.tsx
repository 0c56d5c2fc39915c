import type { Bake } from '@murmur/api';
import { type ReactNode, useState } from 'react';

import { isLive } from '../parts/phase.js';
import { spanOf, useNow } from '../parts/time.js';

/** The steps of a bake, attempt by attempt: a bar for each, as long as it took. */
export function Timeline({ bake }: { readonly bake: Bake }): ReactNode {
  const { seconds, steps } = useGrowing(bake);
  if (steps.length === 0) return <p className="text-ink-2">{isLive(bake.phase) ? 'It has not begun yet.' : 'It ended before it began.'}</p>;
  const longest = Math.max(1, ...seconds);
  const isOnlyOne = new Set(steps.map(({ attempt }) => attempt)).size === 1;
  return (
    <ol className="flex flex-col gap-1.5">
      {steps.map(({ attempt, step }, index) => {
        const isLast = index === steps.length - 1;
        const isNow = isLast && isLive(bake.phase);
        const isFault = isLast && bake.phase === 'failed';
        const tone = isNow ? 'fill-busy' : isFault ? 'fill-bad' : 'fill-accent';
        return (
          <li key={`${attempt} ${step}`} className="grid grid-cols-[7.5rem_minmax(0,1fr)_5.5rem] items-center gap-3">
            <span className={isNow ? 'font-medium' : ''}>
              {step}
              {isOnlyOne ? null : <span className="text-ink-3"> · {attempt}</span>}
            </span>
            <svg aria-hidden="true" viewBox="0 0 100 4" preserveAspectRatio="none" className="h-2 w-full">
              <rect width="100" height="4" rx="0.5" className="fill-sunken" />
              <rect width={Math.max(0.6, (100 * (seconds[index] ?? 0)) / longest)} height="4" className={tone} />
            </svg>
            <span className="text-right text-xs text-ink-2 tabular-nums">
              {isFault ? 'failed, ' : ''}
              {spanOf((seconds[index] ?? 0) * 1000)}
            </span>
          </li>
        );
      })}
    </ol>
  );
}

/** The server says how long steps took when the phase changes; the one that runs goes on from there. */
function useGrowing(bake: Bake): { readonly steps: Bake['steps']; readonly seconds: readonly number[] } {
  const now = useNow();
  const [seen, setSeen] = useState({ bake, at: now });
  if (seen.bake !== bake) setSeen({ bake, at: now });
  const since = isLive(bake.phase) && seen.bake === bake ? Math.max(0, now - seen.at) / 1000 : 0;
  const { steps } = bake;
  return { steps, seconds: steps.map(({ seconds }, index) => (index === steps.length - 1 ? seconds + since : seconds)) };
}
