import { useQuery } from '@connectrpc/connect-query';
import { MurmurService } from '@murmur/api';
import { useParams } from '@tanstack/react-router';
import type { ReactNode } from 'react';

import { ResourceFacts, ResourceHead } from '../catalog/resource-page.js';
import { Command } from '../parts/copy.js';
import { Facts } from '../parts/facts.js';
import { Fault } from '../parts/fault.js';
import { PageHead, Section, Waiting } from '../parts/page.js';
import { ResourceLink } from '../parts/resource-link.js';
import { shownText } from '../parts/shown-text.js';
import { Ancestry } from './ancestry.js';
import { architectureOf, provenanceOf, sourceFacts, substrateOf } from './image-source.js';
import { Pin } from './pin.js';

/** One image: where it lies, what made it, what stands above and below it, and who uses it. */
export function ImagePage(): ReactNode {
  const { name } = useParams({ from: '/images/$name' });
  const { data, error, refetch } = useQuery(MurmurService.method.getResource, { kind: 'image', name });
  const resource = data?.resource;
  if (error !== null) {
    return (
      <>
        <PageHead title={name} name={name} />
        <Fault error={error} again={() => void refetch()} />
      </>
    );
  }
  if (resource?.spec.case !== 'image') return <Waiting what={name} />;
  const image = resource.spec.value;
  const provenance = provenanceOf(resource);
  return (
    <>
      <ResourceHead resource={resource} actions={<Pin image={name} />} />
      <div className="grid grid-cols-1 gap-x-5 xl:grid-cols-[minmax(0,1fr)_21rem]">
        <div className="min-w-0">
          <Section title="Where it comes from, and what uses it">
            <Ancestry resource={resource} />
          </Section>
          <Section title="Source">
            <Facts
              of={[
                ['Substrate', substrateOf(image)],
                ['Architecture', architectureOf(image)],
                ...sourceFacts(image).map(
                  ([field, value]) => [field, <code className="font-mono text-xs">{shownText(value)}</code>] as const,
                ),
                ['Preinstalled', shownText(image.preinstalled)],
              ]}
            />
          </Section>
          <Section title="Try it">
            <p className="mb-2 text-ink-2">A throwaway machine of the image runs one command and is gone:</p>
            <Command line={`murmur try ${name} <environment> <placement> -- uname -a`} />
          </Section>
        </div>
        <div className="min-w-0">
          {provenance === undefined ? null : (
            <Section title="Provenance">
              <Facts
                of={[
                  ['Baked from', <ResourceLink kind="recipe" name={provenance.recipeRef} />],
                  ['Identity', <code className="font-mono text-xs break-all">{provenance.imageHash}</code>],
                ]}
              />
            </Section>
          )}
          <ResourceFacts resource={resource} />
        </div>
      </div>
    </>
  );
}
