import { useQuery } from '@connectrpc/connect-query';
import { MurmurService } from '@murmur/api';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';

import { LiveBakeRow } from '../bakes/live-bake-row.js';
import { useLiveBakes } from '../live/live-bakes.js';
import { Fault } from '../parts/fault.js';
import { Empty, PageHead, Section, Waiting } from '../parts/page.js';
import { Command } from '../parts/copy.js';
import { Failures } from './failures.js';
import { History } from './history.js';
import { NewestImages } from './newest-images.js';
import { Room } from './room.js';

/** What runs, what failed and why, what is new, and what there is room for. */
export function OverviewPage(): ReactNode {
  return (
    <>
      <PageHead title="Overview" name="Overview" />
      <History />
      <div className="grid grid-cols-1 gap-x-5 xl:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
        <div className="min-w-0">
          <LiveNow />
          <Failures />
        </div>
        <div className="min-w-0">
          <NewestImages />
          <Room />
        </div>
      </div>
    </>
  );
}

function LiveNow(): ReactNode {
  const { standings, stream } = useLiveBakes();
  const running = standings?.filter(({ bake }) => bake?.phase !== 'queued') ?? [];
  const queued = standings?.filter(({ bake }) => bake?.phase === 'queued') ?? [];
  const aside = standings === undefined ? undefined : `${running.length} running, ${queued.length} queued`;
  return (
    <Section title="Running and queued" aside={aside} flush>
      {stream.state === 'refused' ? (
        <div className="p-4">
          <Fault error={stream.error} />
        </div>
      ) : standings === undefined ? (
        <Waiting what="the bakes that run" />
      ) : standings.length === 0 ? (
        <NothingRuns />
      ) : (
        <ul className="divide-y divide-line">
          {[...running, ...queued].map((standing) => (
            <LiveBakeRow key={standing.bake?.runId} standing={standing} />
          ))}
        </ul>
      )}
    </Section>
  );
}

function NothingRuns(): ReactNode {
  const { data } = useQuery(MurmurService.method.listResources, { kind: 'recipe', pageSize: 1 });
  if (data?.resources.length === 0) {
    return (
      <Empty title="There is no recipe yet">
        <p className="mb-3">
          A recipe is a base image and a script.{' '}
          <Link to="/recipes" className="font-medium text-accent underline">
            Write the first one
          </Link>
          , or from a terminal:
        </p>
        <Command line="murmur set recipe my-tools -f recipe.yaml" />
      </Empty>
    );
  }
  return (
    <Empty title="No bake is running">
      Start one from a{' '}
      <Link to="/recipes" className="font-medium text-accent underline">
        recipe
      </Link>
      ; it shows up here while it runs.
    </Empty>
  );
}
