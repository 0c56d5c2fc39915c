import { useQuery } from '@connectrpc/connect-query';
import { MurmurService, printYaml, type Resource, specToDocument } from '@murmur/api';
import { Link, useParams } from '@tanstack/react-router';
import type { ReactNode } from 'react';

import { CodeView } from '../editor/code-view.js';
import { Ago } from '../parts/ago.js';
import { Command } from '../parts/copy.js';
import { Facts } from '../parts/facts.js';
import { Fault } from '../parts/fault.js';
import { PageHead, Section, Waiting } from '../parts/page.js';
import { shownText } from '../parts/shown-text.js';
import { kindTitle } from './kind-title.js';
import { References } from './references.js';
import { ResourceActions } from './resource-actions.js';

/** One resource of any kind. */
export function ResourcePage(): ReactNode {
  const { kind, name } = useParams({ from: '/catalog/$kind/$name' });
  const { data, error, refetch } = useQuery(MurmurService.method.getResource, { kind, name });
  if (error !== null) {
    return (
      <>
        <PageHead title={name} name={name} />
        <Fault error={error} again={() => void refetch()} />
      </>
    );
  }
  if (data?.resource === undefined) return <Waiting what={name} />;
  return (
    <>
      <ResourceHead resource={data.resource} />
      <div className="grid grid-cols-1 gap-x-5 xl:grid-cols-[minmax(0,1fr)_21rem]">
        <Section title="Document" flush>
          <CodeView text={printYaml(specToDocument(data.resource))} language="yaml" label={`Document of ${name}`} />
        </Section>
        <div className="min-w-0">
          <ResourceFacts resource={data.resource} />
        </div>
      </div>
    </>
  );
}

/** The top of a resource's page. */
export function ResourceHead({ resource, actions }: { readonly resource: Resource; readonly actions?: ReactNode }): ReactNode {
  const { kind, name } = resource;
  const { description } = specToDocument(resource);
  return (
    <PageHead
      title={shownText(name)}
      name={name}
      above={
        kind === 'recipe' ? (
          <Link to="/recipes">Recipes</Link>
        ) : kind === 'image' ? (
          <Link to="/images">Images</Link>
        ) : (
          <Link to="/catalog/$kind" params={{ kind }}>
            {kindTitle(kind)}
          </Link>
        )
      }
      about={typeof description === 'string' ? shownText(description) : undefined}
      actions={
        <>
          {actions}
          <ResourceActions resource={resource} />
        </>
      }
    />
  );
}

/** Who wrote a resource and when, what it names, and the command that prints it. */
export function ResourceFacts({ resource }: { readonly resource: Resource }): ReactNode {
  const { author, builtin, createTime, generation, kind, name, updateTime } = resource;
  return (
    <>
      <Section title="About">
        <Facts
          of={[
            ['Generation', String(generation)],
            ['Last written by', shownText(author)],
            ['Changed', <Ago time={updateTime} />],
            ['Created', <Ago time={createTime} />],
            ['Origin', builtin ? 'Comes with the platform, and cannot be changed' : ''],
          ]}
        />
      </Section>
      <References resource={resource} />
      <Section title="The same as a command">
        <Command line={kind === 'secret' ? `murmur secret set ${name}` : `murmur get ${kind} ${name}`} />
      </Section>
    </>
  );
}
