import { useQuery } from '@connectrpc/connect-query';
import { MurmurService } from '@murmur/api';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';

import { kindTitle } from '../catalog/kind-title.js';
import { useLiveBakes } from '../live/live-bakes.js';

/** Kinds that have a place of their own among the first entries. */
const first = ['recipe', 'image', 'workspace'];

const look = 'flex items-center justify-between rounded-md px-2 py-1.5 text-[0.8125rem] text-ink-2 hover:bg-sunken hover:text-ink';
const active = { className: `${look} bg-sunken font-medium !text-ink`, 'aria-current': 'page' } as const;

/** Where one can go. Kinds come from the server, so a new one is here by itself. */
export function Navigation(): ReactNode {
  const { data } = useQuery(MurmurService.method.describeKinds, {}, { staleTime: Infinity });
  const { standings = [] } = useLiveBakes();
  const others = (data?.kinds ?? []).filter(({ kind }) => !first.includes(kind));
  return (
    <nav aria-label="Pages" className="flex flex-col gap-0.5">
      <Link to="/" className={look} activeProps={active} activeOptions={{ exact: true }}>
        Overview
      </Link>
      <Link to="/bakes" className={look} activeProps={active}>
        Bakes
        {standings.length === 0 ? null : (
          <span className="rounded-full bg-busy-soft px-1.5 text-2xs font-medium text-busy" title="Queued and running">
            {standings.length}
          </span>
        )}
      </Link>
      <Link to="/recipes" className={look} activeProps={active}>
        Recipes
      </Link>
      <Link to="/images" className={look} activeProps={active}>
        Images
      </Link>
      <Kind kind="workspace" />
      <Heading>Catalog</Heading>
      {others.map(({ kind }) => (
        <Kind key={kind} kind={kind} />
      ))}
      <Heading>Access</Heading>
      <Link to="/access" className={look} activeProps={active} activeOptions={{ exact: true }}>
        Who am I
      </Link>
      <Link to="/access/keys" className={look} activeProps={active}>
        API keys
      </Link>
      <Link to="/access/audit" className={look} activeProps={active}>
        Audit log
      </Link>
    </nav>
  );
}

function Kind({ kind }: { readonly kind: string }): ReactNode {
  return (
    <Link to="/catalog/$kind" params={{ kind }} className={look} activeProps={active}>
      {kindTitle(kind)}
    </Link>
  );
}

function Heading({ children }: { readonly children: string }): ReactNode {
  return <h2 className="mt-4 mb-1 px-2 text-2xs font-semibold tracking-wide text-ink-3 uppercase">{children}</h2>;
}
