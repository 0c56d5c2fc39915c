import { createConnectQueryKey } from '@connectrpc/connect-query';
import { type BakeStanding, MurmurService } from '@murmur/api';
import { createContext, type ReactNode, useContext, useState } from 'react';

import { api, queries } from '../app/transport.js';
import { isLive } from '../parts/phase.js';
import { type StreamState, useStream } from './use-stream.js';

/** The live bakes of the tenant, newest first, and whether they are up to date. */
export interface LiveBakes {
  /** Undefined before the first message. */
  readonly standings: readonly BakeStanding[] | undefined;
  readonly stream: StreamState;
}

const Context = createContext<LiveBakes>({ standings: undefined, stream: { state: 'open' } });

/** The live bakes, as they change. */
export function useLiveBakes(): LiveBakes {
  return useContext(Context);
}

/** Follows the live bakes once for all that is on the page. */
export function LiveBakesProvider({ children, session }: { readonly children: ReactNode; readonly session: string }): ReactNode {
  const [standings, setStandings] = useState<readonly BakeStanding[]>();
  const stream = useStream(
    session,
    async function* (signal) {
      let isFirst = true;
      for await (const { bakes } of api.watchBakes({ follow: true }, { signal })) {
        yield { bakes, isFirst };
        isFirst = false;
      }
    },
    ({ bakes, isFirst }) => {
      setStandings((before = []) => merged(isFirst ? [] : before, bakes));
      const known = new Set(standings?.map(({ bake }) => bake?.runId));
      const isNews = bakes.some(({ bake }) => bake !== undefined && (!isLive(bake.phase) || !known.has(bake.runId)));
      if (isFirst || isNews) refreshBakes();
    },
  );
  return <Context value={{ standings, stream }}>{children}</Context>;
}

function merged(before: readonly BakeStanding[], changed: readonly BakeStanding[]): readonly BakeStanding[] {
  const ids = new Set(changed.map(({ bake }) => bake?.runId));
  return [...changed, ...before.filter(({ bake }) => !ids.has(bake?.runId))]
    .filter(({ bake }) => bake !== undefined && isLive(bake.phase))
    .sort((a, b) => Number((b.bake?.createTime?.seconds ?? 0n) - (a.bake?.createTime?.seconds ?? 0n)));
}

/** Asks anew for what a bake that begins or ends changes. */
function refreshBakes(): void {
  const { getBakeStatistics, listBakes, listResources, listSubstrates } = MurmurService.method;
  const keys = [
    createConnectQueryKey({ schema: listBakes, cardinality: undefined }),
    createConnectQueryKey({ schema: getBakeStatistics, cardinality: undefined }),
    createConnectQueryKey({ schema: listResources, cardinality: undefined }),
    createConnectQueryKey({ schema: listSubstrates, cardinality: undefined }),
  ];
  for (const queryKey of keys) void queries.invalidateQueries({ queryKey });
}
