import { useInfiniteQuery } from '@connectrpc/connect-query';
import { MurmurService } from '@murmur/api';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import type { ReactNode } from 'react';

import { useLiveBakes } from '../live/live-bakes.js';
import { Ago, Span } from '../parts/ago.js';
import { Button } from '../parts/button.js';
import { Fault } from '../parts/fault.js';
import { NameFilter } from '../parts/name-filter.js';
import { Empty, PageHead, Waiting } from '../parts/page.js';
import { Phase } from '../parts/phase.js';
import { shownLine } from '../parts/shown-text.js';

/** States that a list can be of, by the phases that they are. */
const states: Readonly<Record<string, readonly string[]>> = {
  live: ['queued', 'launching', 'provisioning', 'capturing', 'registering'],
  completed: ['completed'],
  failed: ['failed'],
  cancelled: ['cancelled'],
};

/** All bakes, newest first, with filters that stay in the address. */
export function BakesPage(): ReactNode {
  const search = useSearch({ from: '/bakes' });
  const navigate = useNavigate({ from: '/bakes' });
  const { standings = [] } = useLiveBakes();
  const { environment = '', placement = '', recipe = '', state = '' } = search;
  const { data, error, fetchNextPage, hasNextPage, isFetchingNextPage, refetch } = useInfiniteQuery(
    MurmurService.method.listBakes,
    { recipe, environment, placement, phases: [...(states[state] ?? [])], pageSize: 50, pageToken: '' },
    { pageParamKey: 'pageToken', getNextPageParam: ({ nextPageToken }) => (nextPageToken === '' ? undefined : nextPageToken) },
  );
  const live = new Map(standings.map((standing) => [standing.bake?.runId, standing.bake]));
  const bakes = data?.pages.flatMap((page) => page.bakes).map((bake) => live.get(bake.runId) ?? bake);
  const set = (changed: Readonly<Record<string, string>>): void => {
    void navigate({
      search: Object.fromEntries(Object.entries({ ...search, ...changed }).filter(([, value]) => value !== '')),
      replace: true,
    });
  };
  return (
    <>
      <PageHead title="Bakes" name="Bakes" about="Every bake of this tenant, newest first. The list keeps itself up to date." />
      <div className="mb-3 flex flex-wrap items-end gap-x-4 gap-y-3">
        <div role="group" aria-label="State" className="flex flex-wrap gap-0.5 rounded-lg bg-sunken p-0.5">
          {['', ...Object.keys(states)].map((one) => (
            <button
              key={one}
              type="button"
              aria-pressed={state === one}
              onClick={() => set({ state: one })}
              className="rounded-md px-2.5 py-1 text-[0.8125rem] text-ink-2 aria-pressed:bg-panel aria-pressed:font-medium aria-pressed:text-ink aria-pressed:shadow-sm"
            >
              {one === '' ? 'All' : one === 'live' ? 'Live' : `${one.charAt(0).toUpperCase()}${one.slice(1)}`}
            </button>
          ))}
        </div>
        <NameFilter label="Recipe" kind="recipe" value={recipe} onChange={(value) => set({ recipe: value })} />
        <NameFilter label="Environment" kind="environment" value={environment} onChange={(value) => set({ environment: value })} />
        <NameFilter label="Placement" kind="placement" value={placement} onChange={(value) => set({ placement: value })} />
      </div>
      {error === null ? null : (
        <div className="mb-4">
          <Fault error={error} again={() => void refetch()} />
        </div>
      )}
      <div className="panel overflow-hidden">
        {bakes === undefined ? (
          error === null ? (
            <Waiting what="bakes" />
          ) : null
        ) : bakes.length === 0 ? (
          <NoBakes isFiltered={[recipe, environment, placement, state].some((value) => value !== '')} />
        ) : (
          <ul className="divide-y divide-line">
            {bakes.map((bake) => (
              <li
                key={bake.runId}
                className="relative grid grid-cols-1 items-center gap-x-4 gap-y-0.5 px-4 py-2.5 hover:bg-sunken sm:grid-cols-[8rem_minmax(0,1fr)_auto]"
              >
                <span>
                  <Phase phase={bake.phase} />
                </span>
                <span className="min-w-0">
                  <Link
                    to="/bakes/$run"
                    params={{ run: bake.runId }}
                    className="foreign block truncate font-medium after:absolute after:inset-0"
                  >
                    {bake.recipe}
                  </Link>
                  <span className={`foreign block truncate text-xs ${bake.error === '' ? 'text-ink-3' : 'text-bad'}`}>
                    {bake.error === '' ? `${bake.environment} on ${bake.placement}, by ${bake.author}` : shownLine(bake.error)}
                  </span>
                </span>
                <span className="flex gap-4 text-xs text-ink-3 sm:flex-col sm:items-end sm:gap-0">
                  <Ago time={bake.createTime} />
                  <Span from={bake.createTime} to={bake.endTime} />
                </span>
              </li>
            ))}
          </ul>
        )}
      </div>
      {hasNextPage ? (
        <Button className="mt-4 w-full" disabled={isFetchingNextPage} onClick={() => void fetchNextPage()}>
          {isFetchingNextPage ? 'Loading…' : 'Older bakes'}
        </Button>
      ) : null}
    </>
  );
}

function NoBakes({ isFiltered }: { readonly isFiltered: boolean }): ReactNode {
  if (isFiltered) {
    return (
      <Empty title="No bake matches">
        <Link to="/bakes" className="font-medium text-accent underline">
          Show all bakes
        </Link>
      </Empty>
    );
  }
  return (
    <Empty title="Nothing was baked yet">
      Open a{' '}
      <Link to="/recipes" className="font-medium text-accent underline">
        recipe
      </Link>{' '}
      and bake it.
    </Empty>
  );
}
