import { useQuery } from '@connectrpc/connect-query';
import { MurmurService, type Recipe } from '@murmur/api';
import { Link, useParams } from '@tanstack/react-router';
import type { ReactNode } from 'react';

import { ResourceFacts, ResourceHead } from '../catalog/resource-page.js';
import { CodeView } from '../editor/code-view.js';
import { Ago, Span } from '../parts/ago.js';
import { Allowed } from '../parts/allowed.js';
import { Facts } from '../parts/facts.js';
import { Fault } from '../parts/fault.js';
import { Empty, PageHead, Section, Waiting } from '../parts/page.js';
import { Phase } from '../parts/phase.js';
import { ResourceLink } from '../parts/resource-link.js';
import { BakeForm } from './bake-form.js';
import { ImagesOf } from './images-of.js';

/** One recipe: its script, what it made, and the way to bake it. */
export function RecipePage(): ReactNode {
  const { name } = useParams({ from: '/recipes/$name' });
  const { data, error, refetch } = useQuery(MurmurService.method.getResource, { kind: 'recipe', name });
  const resource = data?.resource;
  if (error !== null) {
    return (
      <>
        <PageHead title={name} name={name} />
        <Fault error={error} again={() => void refetch()} />
      </>
    );
  }
  if (resource?.spec.case !== 'recipe') return <Waiting what={name} />;
  const recipe = resource.spec.value;
  return (
    <>
      <ResourceHead
        resource={resource}
        actions={
          <Allowed to="bake this recipe" permission="recipe.edit" resource={`recipe/${name}`}>
            <BakeForm recipe={recipe} />
          </Allowed>
        }
      />
      <div className="grid grid-cols-1 gap-x-5 xl:grid-cols-[minmax(0,1fr)_21rem]">
        <div className="min-w-0">
          <Section title="Script" flush>
            <CodeView text={recipe.provisioningScript} language="shell" label={`Script of ${name}`} />
          </Section>
          <Bakes recipe={name} />
        </div>
        <div className="min-w-0">
          <Section title="Recipe">
            <RecipeFacts recipe={recipe} />
          </Section>
          <ImagesOf recipe={name} />
          <ResourceFacts resource={resource} />
        </div>
      </div>
    </>
  );
}

function RecipeFacts({ recipe }: { readonly recipe: Recipe }): ReactNode {
  const bases = [
    ['on QEMU', recipe.baseImageQemuRef],
    ['on Docker', recipe.baseImageDockerRef],
    ['on AWS', recipe.baseImageAwsRef],
    ['on GCE', recipe.baseImageGceRef],
  ] as const;
  return (
    <Facts
      of={[
        ...bases.map(([where, base]) => [`Base ${where}`, base === '' ? '' : <ResourceLink kind="image" name={base} />] as const),
        ['Time limit', recipe.provisioningTimeout],
        ['Secrets it may use', recipe.secretAllowlist.join(', ')],
      ]}
    />
  );
}

function Bakes({ recipe }: { readonly recipe: string }): ReactNode {
  const { data, error, refetch } = useQuery(MurmurService.method.listBakes, { recipe, pageSize: 15 });
  return (
    <Section
      title="Bakes"
      flush
      aside={
        <Link to="/bakes" search={{ recipe }} className="hover:underline">
          All of them
        </Link>
      }
    >
      {error !== null ? (
        <div className="p-4">
          <Fault error={error} again={() => void refetch()} />
        </div>
      ) : data === undefined ? (
        <Waiting what="bakes" />
      ) : data.bakes.length === 0 ? (
        <Empty title="It was never baked">Bake it to get an image; the next bake of the same is answered from the cache.</Empty>
      ) : (
        <ul className="divide-y divide-line">
          {data.bakes.map((bake) => (
            <li key={bake.runId} className="relative flex flex-wrap items-center gap-x-4 gap-y-1 px-4 py-2 hover:bg-sunken">
              <span className="w-28">
                <Phase phase={bake.phase} />
              </span>
              <Link to="/bakes/$run" params={{ run: bake.runId }} className="foreign min-w-0 flex-1 after:absolute after:inset-0">
                {bake.environment} on {bake.placement}
              </Link>
              <span className="flex gap-4 text-xs text-ink-3">
                <Span from={bake.createTime} to={bake.endTime} />
                <Ago time={bake.createTime} />
              </span>
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}
