import { useInfiniteQuery, useQuery } from '@connectrpc/connect-query';
import { MurmurService } from '@murmur/api';
import { Link, useParams } from '@tanstack/react-router';
import type { ReactNode } from 'react';

import { Allowed } from '../parts/allowed.js';
import { Button, buttonLook } from '../parts/button.js';
import { Command } from '../parts/copy.js';
import { Fault } from '../parts/fault.js';
import { Empty, PageHead, Waiting } from '../parts/page.js';
import { shownLine } from '../parts/shown-text.js';
import { kindTitle, resourcePath } from './kind-title.js';

/** The resources of any kind, in the columns that the server says the kind has. */
export function KindPage(): ReactNode {
  const { kind } = useParams({ from: '/catalog/$kind' });
  return <KindList key={kind} kind={kind} />;
}

/** The same, for a kind that has an address of its own. */
export function KindList({ kind }: { readonly kind: string }): ReactNode {
  const { data: described } = useQuery(MurmurService.method.describeKinds, {}, { staleTime: Infinity });
  const about = described?.kinds.find((one) => one.kind === kind);
  const { data, error, fetchNextPage, hasNextPage, isFetchingNextPage, refetch } = useInfiniteQuery(
    MurmurService.method.listResources,
    { kind, pageSize: 100, pageToken: '' },
    { pageParamKey: 'pageToken', getNextPageParam: ({ nextPageToken }) => (nextPageToken === '' ? undefined : nextPageToken) },
  );
  const columns = data?.pages[0]?.columns.map(({ header }) => header) ?? [];
  const rows = data?.pages.flatMap((page) => page.resources.map((resource, at) => ({ resource, cells: page.rows[at]?.cells ?? [] })));
  return (
    <>
      <PageHead
        title={kindTitle(kind)}
        name={kindTitle(kind)}
        about={about?.summary}
        actions={about === undefined || about.readOnly || kind === 'secret' ? undefined : <Create kind={kind} />}
      />
      {error === null ? null : <Fault error={error} again={() => void refetch()} />}
      {rows === undefined ? (
        error === null ? (
          <Waiting what={kindTitle(kind).toLowerCase()} />
        ) : null
      ) : rows.length === 0 ? (
        <div className="panel">
          <NoResources kind={kind} />
        </div>
      ) : (
        <div role="region" aria-label={kindTitle(kind)} tabIndex={0} className="panel overflow-x-auto">
          <table className="w-full text-left">
            <thead className="border-b border-line text-xs text-ink-3">
              <tr>
                {columns.map((column) => (
                  <th key={column} scope="col" className="px-4 py-2 font-medium whitespace-nowrap">
                    {column.charAt(0) + column.slice(1).toLowerCase()}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody className="divide-y divide-line">
              {rows.map(({ cells, resource }) => (
                <tr key={resource.name} className="hover:bg-sunken">
                  {cells.map((cell, at) => (
                    <td key={columns[at]} className="foreign max-w-96 px-4 py-2 align-top">
                      {at === 0 ? (
                        <Link to={resourcePath(kind, resource.name)} className="font-medium text-accent hover:underline">
                          {shownLine(cell)}
                        </Link>
                      ) : (
                        <span className="text-ink-2">{shownLine(cell)}</span>
                      )}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {hasNextPage ? (
        <Button className="mt-4 w-full" disabled={isFetchingNextPage} onClick={() => void fetchNextPage()}>
          {isFetchingNextPage ? 'Loading…' : 'More'}
        </Button>
      ) : null}
    </>
  );
}

function Create({ kind }: { readonly kind: string }): ReactNode {
  return (
    <Allowed to={`write ${kindTitle(kind).toLowerCase()}`} permission={`${kind}.create`}>
      <Link to="/new/$kind" params={{ kind }} className={buttonLook('main')}>
        New {kind.replaceAll('-', ' ')}
      </Link>
    </Allowed>
  );
}

function NoResources({ kind }: { readonly kind: string }): ReactNode {
  const line = kind === 'secret' ? 'murmur secret set MY_TOKEN' : `murmur describe ${kind}`;
  const about =
    kind === 'secret'
      ? 'A secret’s value is typed in a terminal and shown nowhere again:'
      : 'Write the first one here, or see what belongs in it:';
  return (
    <Empty title={`There are no ${kindTitle(kind).toLowerCase()} yet`}>
      <p className="mb-3">{about}</p>
      <Command line={line} />
    </Empty>
  );
}
