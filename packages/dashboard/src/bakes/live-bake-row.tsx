import type { BakeStanding } from '@murmur/api';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';

import { Phase } from '../parts/phase.js';
import { shownLine } from '../parts/shown-text.js';
import { millis, spanOf, useNow } from '../parts/time.js';

/** A bake that runs or waits: how far it is, and what it said last. */
export function LiveBakeRow({ standing }: { readonly standing: BakeStanding }): ReactNode {
  const { bake, lastLine } = standing;
  if (bake === undefined) return null;
  const says = bake.phase === 'queued' ? bake.waitsFor : lastLine;
  return (
    <li className="relative px-4 py-2.5 hover:bg-sunken">
      <div className="flex flex-wrap items-center justify-between gap-x-4 gap-y-1">
        <Link to="/bakes/$run" params={{ run: bake.runId }} className="foreign min-w-0 font-medium after:absolute after:inset-0">
          {bake.recipe}
        </Link>
        <span className="flex items-center gap-3">
          {bake.attempt > 1 ? <span className="text-xs text-ink-3">attempt {bake.attempt}</span> : null}
          <Phase phase={bake.phase} />
        </span>
      </div>
      <p className="foreign truncate font-mono text-xs text-ink-2">{says === '' ? '\u00a0' : shownLine(says)}</p>
      <Progress standing={standing} />
      <p className="foreign text-xs text-ink-3">
        {bake.environment} on {bake.placement}, started by {bake.author}
      </p>
    </li>
  );
}

/** How long it has run, against how long such bakes usually take. */
function Progress({ standing: { startTime, usualSeconds } }: { readonly standing: BakeStanding }): ReactNode {
  const now = useNow();
  if (startTime === undefined) return null;
  const elapsed = Math.max(0, now - millis(startTime));
  const usual = usualSeconds * 1000;
  const words =
    usual === 0
      ? spanOf(elapsed)
      : elapsed > usual
        ? `${spanOf(elapsed)}, usually ${spanOf(usual)}`
        : `${spanOf(elapsed)} of about ${spanOf(usual)}`;
  return (
    <div className="my-1 flex items-center gap-3">
      <svg aria-hidden="true" viewBox="0 0 100 2" preserveAspectRatio="none" className="h-1 min-w-0 flex-1 overflow-hidden rounded-full">
        <rect width="100" height="2" className="fill-line" />
        {usual === 0 ? null : (
          <rect width={Math.min(100, (100 * elapsed) / usual)} height="2" className={elapsed > usual ? 'fill-busy' : 'fill-accent'} />
        )}
      </svg>
      <span className="text-xs text-ink-3 tabular-nums">{words}</span>
    </div>
  );
}
