import { useQuery } from '@connectrpc/connect-query';
import { type Bake, MurmurService, specToDocument } from '@murmur/api';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';

import { Section } from '../parts/page.js';
import { recipeAt } from './recipe-at.js';

/** What differs from the last image that the recipe made before, as far as the catalog's history tells. */
export function WhatChanged({ bake }: { readonly bake: Bake }): ReactNode {
  const { createTime, environment, placement, recipe } = bake;
  const { data: before } = useQuery(MurmurService.method.listBakes, { recipe, phases: ['completed'], pageSize: 100 });
  const { data: history } = useQuery(
    MurmurService.method.listGenerations,
    { kind: 'recipe', name: recipe, pageSize: 50 },
    { retry: false },
  );
  const earlier =
    before?.bakes.filter((one) => one.runId !== bake.runId && (one.createTime?.seconds ?? 0n) <= (createTime?.seconds ?? 0n)) ?? [];
  const last = earlier.find((one) => one.environment === environment && one.placement === placement) ?? earlier[0];
  if (before === undefined || history === undefined) return null;
  return (
    <Section title="What is different">
      {last === undefined ? (
        <p className="text-ink-2">This recipe had no image before.</p>
      ) : (
        <>
          <p className="mb-2 text-ink-2">
            Against{' '}
            <Link to="/bakes/$run" params={{ run: last.runId }} className="foreign font-medium text-accent hover:underline">
              {last.imageName}
            </Link>
          </p>
          <Differences bake={bake} last={last} history={history.generations} />
        </>
      )}
    </Section>
  );
}

function Differences(props: { readonly bake: Bake; readonly last: Bake; readonly history: Parameters<typeof recipeAt>[0] }): ReactNode {
  const { bake, history, last } = props;
  if (bake.imageHash === last.imageHash) return <p>Nothing: it has the same identity, and was built anew.</p>;
  const now = recipeAt(history, bake.createTime);
  const then = recipeAt(history, last.createTime);
  const fields =
    now?.resource === undefined || then?.resource === undefined
      ? []
      : changedFields(specToDocument(then.resource), specToDocument(now.resource));
  const lines = [
    ...(bake.environment === last.environment ? [] : [`Environment ${bake.environment} instead of ${last.environment}`]),
    ...(bake.placement === last.placement ? [] : [`Placement ${bake.placement} instead of ${last.placement}`]),
    ...fields.map((field) => `The recipe’s ${field}`),
  ];
  return (
    <>
      <ul className="ml-4 list-disc">
        {lines.map((line) => (
          <li key={line} className="foreign">
            {line}
          </li>
        ))}
        {lines.length === 0 ? <li>Its base image, a secret, a variable or what the environment names.</li> : null}
      </ul>
      {fields.length === 0 || now === undefined || then === undefined ? null : (
        <Link
          to="/history/$kind/$name"
          params={{ kind: 'recipe', name: bake.recipe }}
          search={{ from: String(then.generation), to: String(now.generation) }}
          className="mt-2 inline-block font-medium text-accent hover:underline"
        >
          Show the difference
        </Link>
      )}
    </>
  );
}

function changedFields(before: Readonly<Record<string, unknown>>, after: Readonly<Record<string, unknown>>): readonly string[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names.filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]));
}
