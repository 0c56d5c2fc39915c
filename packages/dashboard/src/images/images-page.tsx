import { useInfiniteQuery } from '@connectrpc/connect-query';
import { MurmurService, type Resource, SortOrder } from '@murmur/api';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { type ReactNode, useId } from 'react';

import { Ago } from '../parts/ago.js';
import { Button } from '../parts/button.js';
import { Fault } from '../parts/fault.js';
import { Empty, PageHead, Waiting } from '../parts/page.js';
import { shownLine } from '../parts/shown-text.js';
import { architectureOf, provenanceOf, substrateOf } from './image-source.js';

type Filter = 'substrate' | 'architecture' | 'recipe' | 'origin';

/** All images, with filters that stay in the address. */
export function ImagesPage(): ReactNode {
  const search = useSearch({ from: '/images' });
  const navigate = useNavigate({ from: '/images' });
  const { data, error, fetchNextPage, hasNextPage, isFetchingNextPage, refetch } = useInfiniteQuery(
    MurmurService.method.listResources,
    { kind: 'image', sort: SortOrder.UPDATED, pageSize: 500, pageToken: '' },
    { pageParamKey: 'pageToken', getNextPageParam: ({ nextPageToken }) => (nextPageToken === '' ? undefined : nextPageToken) },
  );
  const all = data?.pages.flatMap((page) => page.resources);
  const shown = all
    ?.filter((resource) => (Object.entries(search) as [Filter, string][]).every(([filter, value]) => valueOf(resource, filter) === value))
    .toSorted((a, b) => Number((b.createTime?.seconds ?? 0n) - (a.createTime?.seconds ?? 0n)));
  const set = (filter: Filter, value: string): void => {
    const next = { ...search, [filter]: value };
    void navigate({ search: Object.fromEntries(Object.entries(next).filter(([, one]) => one !== '')), replace: true });
  };
  return (
    <>
      <PageHead title="Images" name="Images" about="What machines boot from: made by bakes, imported, or the platform’s own bases." />
      <div className="mb-3 flex flex-wrap gap-x-4 gap-y-3">
        {(['substrate', 'architecture', 'recipe', 'origin'] as const).map((filter) => (
          <Choice key={filter} filter={filter} value={search[filter] ?? ''} of={all ?? []} onChange={(value) => set(filter, value)} />
        ))}
      </div>
      {error === null ? null : <Fault error={error} again={() => void refetch()} />}
      <div className="panel overflow-hidden">
        {shown === undefined ? (
          error === null ? (
            <Waiting what="images" />
          ) : null
        ) : shown.length === 0 ? (
          <Empty title="No image matches">
            <Link to="/images" className="font-medium text-accent underline">
              Show all images
            </Link>
          </Empty>
        ) : (
          <ul className="divide-y divide-line">
            {shown.map((resource) => (
              <ImageRow key={resource.name} resource={resource} />
            ))}
          </ul>
        )}
      </div>
      {hasNextPage ? (
        <Button className="mt-4 w-full" disabled={isFetchingNextPage} onClick={() => void fetchNextPage()}>
          {isFetchingNextPage ? 'Loading…' : 'More images'}
        </Button>
      ) : null}
    </>
  );
}

function ImageRow({ resource }: { readonly resource: Resource }): ReactNode {
  if (resource.spec.case !== 'image') return null;
  const image = resource.spec.value;
  const recipe = provenanceOf(resource)?.recipeRef;
  return (
    <li className="relative grid grid-cols-1 items-baseline gap-x-4 px-4 py-2.5 hover:bg-sunken sm:grid-cols-[minmax(0,1fr)_9rem_7rem]">
      <span className="min-w-0">
        <Link
          to="/images/$name"
          params={{ name: resource.name }}
          className="foreign block truncate font-mono text-xs font-medium after:absolute after:inset-0"
        >
          {resource.name}
        </Link>
        <span className="foreign block truncate text-xs text-ink-3">
          {recipe === undefined ? shownLine(image.description || valueOf(resource, 'origin')) : `baked from ${recipe}`}
        </span>
      </span>
      <span className="text-xs text-ink-2">
        {substrateOf(image)} {architectureOf(image)}
      </span>
      <span className="text-xs text-ink-3 sm:text-right">
        <Ago time={resource.createTime} />
      </span>
    </li>
  );
}

function Choice(props: {
  readonly filter: Filter;
  readonly value: string;
  readonly of: readonly Resource[];
  readonly onChange: (value: string) => void;
}): ReactNode {
  const { filter, of, onChange, value } = props;
  const id = useId();
  const values = [...new Set([...of.map((resource) => valueOf(resource, filter)), value])].filter((one) => one !== '').toSorted();
  return (
    <span className="flex flex-col gap-0.5">
      <label htmlFor={id} className="text-2xs text-ink-3">
        {filter.charAt(0).toUpperCase() + filter.slice(1)}
      </label>
      <select
        id={id}
        value={value}
        onChange={({ target }) => onChange(target.value)}
        className="min-h-8 max-w-56 rounded-md border border-line-strong bg-panel px-2 text-[0.8125rem]"
      >
        <option value="">All</option>
        {values.map((one) => (
          <option key={one}>{one}</option>
        ))}
      </select>
    </span>
  );
}

function valueOf(resource: Resource, filter: Filter): string {
  if (resource.spec.case !== 'image') return '';
  const image = resource.spec.value;
  const recipe = provenanceOf(resource)?.recipeRef ?? '';
  switch (filter) {
    case 'substrate':
      return substrateOf(image);
    case 'architecture':
      return architectureOf(image);
    case 'recipe':
      return recipe;
    case 'origin':
      return resource.builtin ? 'platform' : recipe === '' ? 'imported' : 'baked';
  }
}
