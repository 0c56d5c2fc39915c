import { useInfiniteQuery } from '@connectrpc/connect-query';
import { MurmurService } from '@murmur/api';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';

import { Ago } from '../parts/ago.js';
import { Button } from '../parts/button.js';
import { Fault } from '../parts/fault.js';
import { Empty, PageHead, Waiting } from '../parts/page.js';
import { shownText } from '../parts/shown-text.js';

const field = 'min-h-8 rounded-md border border-line-strong bg-panel px-2.5 font-mono text-xs text-ink';

/** Who did what, newest first. */
export function AuditPage(): ReactNode {
  const search = useSearch({ from: '/access/audit' });
  const navigate = useNavigate({ from: '/access/audit' });
  const { actor = '', denied = '', resource = '' } = search;
  const [written, setWritten] = useState({ actor, resource });
  const { data, error, fetchNextPage, hasNextPage, isFetchingNextPage, refetch } = useInfiniteQuery(
    MurmurService.method.listAuditEntries,
    { actor, resource, deniedOnly: denied !== '', pageSize: 100, pageToken: '' },
    { pageParamKey: 'pageToken', getNextPageParam: ({ nextPageToken }) => (nextPageToken === '' ? undefined : nextPageToken) },
  );
  const entries = data?.pages.flatMap((page) => page.entries);
  const set = (changed: Readonly<Record<string, string>>): void => {
    void navigate({
      search: Object.fromEntries(Object.entries({ ...search, ...changed }).filter(([, value]) => value !== '')),
      replace: true,
    });
  };
  return (
    <>
      <PageHead
        title="Audit log"
        name="Audit log"
        about="Every call that changed something or was refused, written down before it acted."
      />
      <form
        className="mb-3 flex flex-wrap items-end gap-3"
        onSubmit={(event) => {
          event.preventDefault();
          set({ actor: written.actor.trim(), resource: written.resource.trim() });
        }}
      >
        <label className="flex flex-col gap-0.5 text-2xs text-ink-3">
          Who
          <input value={written.actor} onChange={({ target }) => setWritten({ ...written, actor: target.value })} className={field} />
        </label>
        <label className="flex flex-col gap-0.5 text-2xs text-ink-3">
          About, such as recipe/my-tools
          <input value={written.resource} onChange={({ target }) => setWritten({ ...written, resource: target.value })} className={field} />
        </label>
        <label className="inline-flex min-h-8 items-center gap-2">
          <input type="checkbox" checked={denied !== ''} onChange={({ target }) => set({ denied: target.checked ? 'yes' : '' })} />
          Refused only
        </label>
        <Button type="submit">Filter</Button>
      </form>
      {error === null ? null : <Fault error={error} again={() => void refetch()} />}
      {entries === undefined ? (
        error === null ? (
          <Waiting what="the audit log" />
        ) : null
      ) : entries.length === 0 ? (
        <div className="panel">
          <Empty title="No entry matches" />
        </div>
      ) : (
        <div role="region" aria-label="Entries" tabIndex={0} className="panel overflow-x-auto">
          <table className="w-full text-left">
            <thead className="border-b border-line text-xs text-ink-3">
              <tr>
                {['When', 'Who', 'What', 'About', 'Outcome', 'Made', 'From'].map((title) => (
                  <th key={title} scope="col" className="px-4 py-2 font-medium">
                    {title}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody className="divide-y divide-line">
              {entries.map((entry) => (
                <tr key={String(entry.id)} className="hover:bg-sunken">
                  <td className="px-4 py-1.5 text-ink-2">
                    <Ago time={entry.time} />
                  </td>
                  <td className="foreign max-w-60 px-4 py-1.5">{shownText(entry.actor)}</td>
                  <td className="px-4 py-1.5 font-mono text-xs">{entry.action}</td>
                  <td className="foreign max-w-72 px-4 py-1.5 font-mono text-xs">{shownText(entry.resource)}</td>
                  <td className={`px-4 py-1.5 font-mono text-xs ${entry.outcome === 'OK' ? 'text-good' : 'text-bad'}`}>
                    {entry.outcome === '' ? 'not known' : entry.outcome}
                  </td>
                  <td className="foreign px-4 py-1.5 font-mono text-xs">{shownText(entry.made)}</td>
                  <td className="foreign px-4 py-1.5 font-mono text-xs text-ink-3">{shownText(entry.address)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {hasNextPage ? (
        <Button className="mt-4 w-full" disabled={isFetchingNextPage} onClick={() => void fetchNextPage()}>
          Older entries
        </Button>
      ) : null}
    </>
  );
}
