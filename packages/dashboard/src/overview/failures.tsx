import { useQuery } from '@connectrpc/connect-query';
import { MurmurService } from '@murmur/api';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';

import { Ago } from '../parts/ago.js';
import { Fault } from '../parts/fault.js';
import { Empty, Section, Waiting } from '../parts/page.js';
import { shownLine } from '../parts/shown-text.js';
import { millis, useNow } from '../parts/time.js';

const dayMs = 86_400_000;

/** The failures of the last day, each with its cause. */
export function Failures(): ReactNode {
  const { data, error, refetch } = useQuery(MurmurService.method.listBakes, { phases: ['failed'], pageSize: 50 });
  const now = useNow();
  const recent = data?.bakes.filter(({ endTime }) => endTime !== undefined && now - millis(endTime) < dayMs);
  return (
    <Section
      title="Failed in the last 24 hours"
      aside={
        <Link to="/bakes" search={{ state: 'failed' }} className="hover:underline">
          All failures
        </Link>
      }
      flush
    >
      {error !== null ? (
        <div className="p-4">
          <Fault error={error} again={() => void refetch()} />
        </div>
      ) : recent === undefined ? (
        <Waiting what="failures" />
      ) : recent.length === 0 ? (
        <Empty title="Nothing failed" />
      ) : (
        <ul className="divide-y divide-line">
          {recent.map((bake) => (
            <li key={bake.runId} className="relative px-4 py-2.5 hover:bg-sunken">
              <div className="flex items-baseline justify-between gap-4">
                <Link to="/bakes/$run" params={{ run: bake.runId }} className="foreign min-w-0 font-medium after:absolute after:inset-0">
                  {bake.recipe}
                </Link>
                <span className="text-xs text-ink-3">
                  <Ago time={bake.endTime} />
                </span>
              </div>
              <p className="foreign line-clamp-2 text-bad">{causeOf(bake.error)}</p>
              <p className="foreign text-xs text-ink-3">
                {bake.environment} on {bake.placement}, started by {bake.author}
              </p>
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}

/** A cause in a sentence: what follows the first line of an error are the log's last lines. */
function causeOf(error: string): string {
  return shownLine(error.split('\n').find((line) => line.trim() !== '') ?? 'The cause is not known.');
}
