import { useQuery } from '@connectrpc/connect-query';
import { MurmurService, type Recipe, type Resource } from '@murmur/api';
import type { ReactNode } from 'react';

import { ResourceLink } from '../parts/resource-link.js';
import { provenanceOf, substrateOf } from './image-source.js';

const most = 1000;

/** The base above an image, the recipes and images that build on it, and the workspaces that run it. */
export function Ancestry({ resource }: { readonly resource: Resource }): ReactNode {
  const { data: recipes } = useQuery(MurmurService.method.listResources, { kind: 'recipe', pageSize: most }, { retry: false });
  const { data: images } = useQuery(MurmurService.method.listResources, { kind: 'image', pageSize: most });
  const { data: workspaces } = useQuery(MurmurService.method.listResources, { kind: 'workspace', pageSize: most }, { retry: false });
  const all = recipes?.resources.flatMap(({ spec }) => (spec.case === 'recipe' ? [spec.value] : [])) ?? [];
  const own = all.find(({ name }) => name === provenanceOf(resource)?.recipeRef);
  const base = own === undefined || resource.spec.case !== 'image' ? undefined : baseOf(own, substrateOf(resource.spec.value));
  const children = all.filter((recipe) => basesOf(recipe).includes(resource.name));
  const users =
    workspaces?.resources.flatMap(({ spec }) => (spec.case === 'workspace' && spec.value.imageRef === resource.name ? [spec.value] : [])) ??
    [];
  return (
    <div className="grid grid-cols-1 gap-4 sm:grid-cols-3">
      <Column title="Built on">
        {base === undefined ? (
          <Nothing>{own === undefined ? 'No recipe here made it' : 'Its recipe names no base any more'}</Nothing>
        ) : (
          <ResourceLink kind="image" name={base} />
        )}
      </Column>
      <Column title="Builds on it">
        {children.length === 0 ? <Nothing>No recipe</Nothing> : null}
        {children.map(({ name }) => (
          <div key={name} className="mb-1.5">
            <ResourceLink kind="recipe" name={name} />
            <ul className="ml-3 border-l border-line pl-3 text-xs">
              {images?.resources
                .filter((image) => provenanceOf(image)?.recipeRef === name)
                .slice(-5)
                .map((image) => (
                  <li key={image.name}>
                    <ResourceLink kind="image" name={image.name} />
                  </li>
                ))}
            </ul>
          </div>
        ))}
      </Column>
      <Column title="Workspaces that use it">
        {users.length === 0 ? <Nothing>None</Nothing> : null}
        {users.map(({ name }) => (
          <div key={name}>
            <ResourceLink kind="workspace" name={name} />
          </div>
        ))}
      </Column>
    </div>
  );
}

function Column({ children, title }: { readonly children: ReactNode; readonly title: string }): ReactNode {
  return (
    <div className="min-w-0">
      <h3 className="mb-1 text-xs text-ink-3">{title}</h3>
      {children}
    </div>
  );
}

function Nothing({ children }: { readonly children: string }): ReactNode {
  return <p className="text-ink-2">{children}</p>;
}

function basesOf(recipe: Recipe): readonly string[] {
  return [recipe.baseImageQemuRef, recipe.baseImageDockerRef, recipe.baseImageAwsRef, recipe.baseImageGceRef].filter((base) => base !== '');
}

function baseOf(recipe: Recipe, substrate: string): string | undefined {
  const bases: Readonly<Record<string, string>> = {
    qemu: recipe.baseImageQemuRef,
    docker: recipe.baseImageDockerRef,
    aws: recipe.baseImageAwsRef,
    gce: recipe.baseImageGceRef,
  };
  const base = bases[substrate] ?? '';
  return base === '' ? undefined : base;
}
