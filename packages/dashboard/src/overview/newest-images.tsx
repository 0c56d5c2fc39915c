import { useQuery } from '@connectrpc/connect-query';
import { MurmurService } from '@murmur/api';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';

import { Ago } from '../parts/ago.js';
import { Empty, Section, Waiting } from '../parts/page.js';
import { Fault } from '../parts/fault.js';

/** The images that bakes made last. */
export function NewestImages(): ReactNode {
  const { data, error, refetch } = useQuery(MurmurService.method.listBakes, { phases: ['completed'], pageSize: 8 });
  return (
    <Section
      title="Newest images"
      aside={
        <Link to="/images" className="hover:underline">
          All images
        </Link>
      }
      flush
    >
      {error !== null ? (
        <div className="p-4">
          <Fault error={error} again={() => void refetch()} />
        </div>
      ) : data === undefined ? (
        <Waiting what="images" />
      ) : data.bakes.length === 0 ? (
        <Empty title="No image was baked yet">What a recipe’s bake makes is kept here, and found again when nothing has changed.</Empty>
      ) : (
        <ul className="divide-y divide-line">
          {data.bakes.map(({ endTime, imageName, placement, recipe, runId }) => (
            <li key={runId} className="relative flex items-baseline justify-between gap-4 px-4 py-2 hover:bg-sunken">
              <span className="min-w-0">
                <Link
                  to="/images/$name"
                  params={{ name: imageName }}
                  className="foreign block truncate font-mono text-xs font-medium after:absolute after:inset-0"
                >
                  {imageName}
                </Link>
                <span className="foreign block truncate text-xs text-ink-3">
                  of {recipe} on {placement}
                </span>
              </span>
              <span className="text-xs text-ink-3">
                <Ago time={endTime} />
              </span>
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}
