import { useQuery } from '@connectrpc/connect-query';
import { MurmurService, printYaml, type Resource, specToDocument } from '@murmur/api';
import { useParams } from '@tanstack/react-router';
import type { ReactNode } from 'react';

import { kindTitle } from '../catalog/kind-title.js';
import { Fault } from '../parts/fault.js';
import { PageHead, Waiting } from '../parts/page.js';
import { ResourceLink } from '../parts/resource-link.js';
import { DocumentForm } from './document-form.js';

/** A resource's document to change. */
export function EditPage(): ReactNode {
  const { kind, name } = useParams({ from: '/edit/$kind/$name' });
  const { data, error, refetch } = useQuery(MurmurService.method.getResource, { kind, name });
  return (
    <>
      <PageHead title={`Edit ${name}`} name={`Edit ${name}`} above={<ResourceLink kind={kind} name={name} />} />
      {error === null ? null : <Fault error={error} again={() => void refetch()} />}
      {data?.resource === undefined ? error === null ? <Waiting what={name} /> : null : <Editing kind={kind} resource={data.resource} />}
    </>
  );
}

function Editing({ kind, resource }: { readonly kind: string; readonly resource: Resource }): ReactNode {
  return (
    <DocumentForm
      key={`${kind}/${resource.name}`}
      kind={kind}
      newest={{ generation: resource.generation, author: resource.author, text: textOf(resource) }}
    />
  );
}

/** A resource to make: the editor begins with the kind's own example. */
export function NewPage(): ReactNode {
  const { kind } = useParams({ from: '/new/$kind' });
  const { data } = useQuery(MurmurService.method.describeKinds, { kind }, { staleTime: Infinity });
  const example = data?.kinds[0]?.example;
  return (
    <>
      <PageHead
        title={`New ${kind.replaceAll('-', ' ')}`}
        name={`New ${kind}`}
        above={kindTitle(kind)}
        about="It begins with an example. Change its name, and what else you need."
      />
      {example === undefined ? (
        <Waiting what="the example" />
      ) : (
        <DocumentForm kind={kind} newest={{ generation: 0n, author: '', text: example }} />
      )}
    </>
  );
}

function textOf(resource: Resource): string {
  return printYaml(specToDocument(resource));
}
