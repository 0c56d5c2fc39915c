import { useQuery } from '@connectrpc/connect-query';
import { type Bake, MurmurService } from '@murmur/api';
import type { ReactNode } from 'react';

import { Copy } from '../parts/copy.js';
import { Facts } from '../parts/facts.js';
import { ResourceLink } from '../parts/resource-link.js';
import { fullTime, millis } from '../parts/time.js';
import { recipeAt } from './recipe-at.js';

/** The inputs of a bake, its identity, and what it makes. */
export function BakeFacts({ bake }: { readonly bake: Bake }): ReactNode {
  const { data } = useQuery(MurmurService.method.listGenerations, { kind: 'recipe', name: bake.recipe, pageSize: 50 }, { retry: false });
  const used = recipeAt(data?.generations ?? [], bake.createTime);
  const recipe = used?.resource?.spec.case === 'recipe' ? used.resource.spec.value : undefined;
  return (
    <Facts
      of={[
        [
          'Recipe',
          <>
            <ResourceLink kind="recipe" name={bake.recipe} />
            {used === undefined ? null : <span className="text-ink-3"> generation {String(used.generation)}</span>}
          </>,
        ],
        ['Environment', <ResourceLink kind="environment" name={bake.environment} />],
        ['Placement', <ResourceLink kind="placement" name={bake.placement} />],
        [
          'Secrets it may use',
          recipe === undefined ? '' : recipe.secretAllowlist.length === 0 ? 'none' : recipe.secretAllowlist.join(', '),
        ],
        ['Image', bake.phase === 'completed' ? <ResourceLink kind="image" name={bake.imageName} /> : bake.imageName],
        ['Where the image lives', bake.scope],
        ['Artifact', <code className="font-mono text-xs">{bake.artifactName}</code>],
        [
          'Identity',
          <span className="flex items-start gap-1">
            <code className="min-w-0 flex-1 font-mono text-xs break-all">{bake.imageHash}</code>
            <Copy text={bake.imageHash} />
          </span>,
        ],
        ['Run', <code className="font-mono text-xs">{bake.runId}</code>],
        ['Started', bake.createTime === undefined ? '' : fullTime(millis(bake.createTime))],
        ['Ended', bake.endTime === undefined ? '' : fullTime(millis(bake.endTime))],
      ]}
    />
  );
}
