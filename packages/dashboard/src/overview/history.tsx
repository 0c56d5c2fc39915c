import { useQuery } from '@connectrpc/connect-query';
import { MurmurService } from '@murmur/api';
import { lazy, type ReactNode, Suspense } from 'react';

import { Fault } from '../parts/fault.js';
import { spanOf } from '../parts/time.js';

/** Loaded after what people look for first. */
const DayChart = lazy(async () => ({ default: (await import('./day-chart.js')).DayChart }));

/** How baking went in the last two weeks: in figures, and day by day. */
export function History(): ReactNode {
  const { data, error, refetch } = useQuery(MurmurService.method.getBakeStatistics, { days: 14 });
  if (error !== null) {
    return (
      <div className="mb-5">
        <Fault error={error} again={() => void refetch()} />
      </div>
    );
  }
  const days = data?.days ?? [];
  const sum = (of: (day: (typeof days)[number]) => number): number => days.reduce((total, day) => total + of(day), 0);
  const completed = sum((day) => day.completed);
  const failed = sum((day) => day.failed);
  const baked = completed + failed + sum((day) => day.cancelled + day.live);
  const answered = sum((day) => day.answered);
  const usual = median(days.filter((day) => day.completed > 0).map((day) => day.medianSeconds));
  return (
    <section aria-label="The last 14 days" className="panel mb-5 grid grid-cols-1 overflow-hidden md:grid-cols-[auto_minmax(0,1fr)]">
      <dl className="grid grid-cols-2 gap-x-8 gap-y-3 p-4 md:w-72 md:border-r md:border-line">
        <Figure name="Bakes" value={String(baked)} about="in 14 days" />
        <Figure name="Succeeded" value={share(completed, completed + failed)} about={`${failed} failed`} />
        <Figure name="From cache" value={share(answered, answered + baked)} about={`${answered} without a bake`} />
        <Figure name="Usual time" value={usual === 0 ? '–' : spanOf(usual * 1000)} about="to an image" />
      </dl>
      <div className="min-h-44 min-w-0 border-t border-line p-3 md:border-t-0">
        <Suspense>{data === undefined ? null : <DayChart days={days} />}</Suspense>
      </div>
    </section>
  );
}

function Figure({ about, name, value }: { readonly name: string; readonly value: string; readonly about: string }): ReactNode {
  return (
    <div>
      <dt className="text-xs text-ink-3">{name}</dt>
      <dd>
        <span className="block text-xl leading-7 font-semibold tracking-tight tabular-nums">{value}</span>
        <span className="text-xs text-ink-3">{about}</span>
      </dd>
    </div>
  );
}

function share(part: number, whole: number): string {
  return whole === 0 ? '–' : `${Math.round((100 * part) / whole)} %`;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
