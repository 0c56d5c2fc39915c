import { useQuery } from '@connectrpc/connect-query';
import { MurmurService, SortOrder } from '@murmur/api';
import type { ReactNode } from 'react';

import { provenanceOf } from '../images/image-source.js';
import { Ago } from '../parts/ago.js';
import { Section } from '../parts/page.js';
import { ResourceLink } from '../parts/resource-link.js';

/** The images that a recipe's bakes made, newest first. */
export function ImagesOf({ recipe }: { readonly recipe: string }): ReactNode {
  const { data } = useQuery(MurmurService.method.listResources, { kind: 'image', sort: SortOrder.CREATED, pageSize: 1000 });
  const made = data?.resources.filter((resource) => provenanceOf(resource)?.recipeRef === recipe) ?? [];
  const newest = made.toSorted((a, b) => Number((b.createTime?.seconds ?? 0n) - (a.createTime?.seconds ?? 0n)));
  if (newest.length === 0) return null;
  return (
    <Section title="Images" aside={String(newest.length)}>
      <ul className="flex flex-col gap-1.5">
        {newest.slice(0, 10).map(({ createTime, name }) => (
          <li key={name} className="flex items-baseline justify-between gap-3">
            <ResourceLink kind="image" name={name} />
            <span className="text-xs text-ink-3">
              <Ago time={createTime} />
            </span>
          </li>
        ))}
      </ul>
    </Section>
  );
}
