import { useInfiniteQuery } from '@connectrpc/connect-query';
import { type Generation, MurmurService, printYaml, specToDocument } from '@murmur/api';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import type { ReactNode } from 'react';

import { DiffView } from '../editor/diff-view.js';
import { Ago } from '../parts/ago.js';
import { Button } from '../parts/button.js';
import { Fault } from '../parts/fault.js';
import { PageHead, Section, Waiting } from '../parts/page.js';
import { ResourceLink } from '../parts/resource-link.js';
import { shownText } from '../parts/shown-text.js';

/** Every generation of a resource, and any two of them beside each other. */
export function HistoryPage(): ReactNode {
  const { kind, name } = useParams({ from: '/history/$kind/$name' });
  const search = useSearch({ from: '/history/$kind/$name' });
  const navigate = useNavigate({ from: '/history/$kind/$name' });
  const { data, error, fetchNextPage, hasNextPage, refetch } = useInfiniteQuery(
    MurmurService.method.listGenerations,
    { kind, name, pageSize: 100, pageToken: '' },
    { pageParamKey: 'pageToken', getNextPageParam: ({ nextPageToken }) => (nextPageToken === '' ? undefined : nextPageToken) },
  );
  const generations = data?.pages.flatMap((page) => page.generations);
  const find = (number: string | undefined): Generation | undefined => generations?.find(({ generation }) => String(generation) === number);
  const after = find(search.to) ?? generations?.[0];
  const before = find(search.from) ?? generations?.find(({ generation }) => after !== undefined && generation < after.generation);
  const choose = (from: bigint | undefined, to: bigint): void => {
    void navigate({ search: { ...(from === undefined ? {} : { from: String(from) }), to: String(to) }, replace: true });
  };
  return (
    <>
      <PageHead title={`History of ${shownText(name)}`} name={`History of ${name}`} above={<ResourceLink kind={kind} name={name} />} />
      {error === null ? null : <Fault error={error} again={() => void refetch()} />}
      {generations === undefined ? (
        error === null ? (
          <Waiting what="the history" />
        ) : null
      ) : (
        <div className="grid grid-cols-1 items-start gap-x-5 lg:grid-cols-[17rem_minmax(0,1fr)]">
          <Section title="Generations" flush>
            <ol className="max-h-[75dvh] divide-y divide-line overflow-y-auto">
              {generations.map((one, at) => (
                <li key={String(one.generation)}>
                  <button
                    type="button"
                    aria-current={one === after ? 'true' : undefined}
                    onClick={() => choose(generations[at + 1]?.generation, one.generation)}
                    className="w-full px-4 py-2 text-left hover:bg-sunken aria-[current]:bg-accent-soft"
                  >
                    <span className="flex justify-between gap-3">
                      <span className="font-medium">
                        {String(one.generation)}
                        {one.removed ? ' (deleted)' : ''}
                      </span>
                      <span className="text-xs text-ink-3">
                        <Ago time={one.time} />
                      </span>
                    </span>
                    <span className="foreign block truncate text-xs text-ink-2">{shownText(one.author)}</span>
                  </button>
                </li>
              ))}
            </ol>
            {hasNextPage ? (
              <Button className="w-full" onClick={() => void fetchNextPage()}>
                Older
              </Button>
            ) : null}
          </Section>
          <Section title="What changed" flush>
            {after === undefined ? null : (
              <DiffView
                before={textOf(before)}
                after={textOf(after)}
                language="yaml"
                labels={[before === undefined ? 'Nothing before' : `Generation ${before.generation}`, `Generation ${after.generation}`]}
              />
            )}
          </Section>
        </div>
      )}
    </>
  );
}

function textOf(generation: Generation | undefined): string {
  return generation?.resource === undefined ? '' : printYaml(specToDocument(generation.resource));
}
