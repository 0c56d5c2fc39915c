import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { type Generation, GenerationSchema } from '@murmur/api';

import { addressOf, notFound } from '../address.js';
import type { CatalogContext } from '../context.js';
import { kindNamed } from '../kinds/index.js';
import { toResource } from '../resource.js';

/** The resource whose history is asked for. */
export interface ListGenerationsRequest {
  readonly kind: string;
  readonly name: string;
}

/** Every generation of a resource, newest first, also of one that has been removed. Throws NOT_FOUND. */
export async function listGenerations(context: CatalogContext, request: ListGenerationsRequest): Promise<{ generations: Generation[] }> {
  const kind = kindNamed(request.kind);
  const address = addressOf(kind, context.identity.tenant, request.name);
  if (address === undefined) throw notFound(kind.name, request.name);
  const entries = await context.database
    .selectFrom('resource_generations')
    .select(['generation', 'spec', 'author', 'at'])
    .where('tenant', '=', address.tenant)
    .where('kind', '=', address.kind)
    .where('name', '=', address.name)
    .orderBy('generation')
    .execute();
  if (entries.length === 0) throw notFound(kind.name, request.name);
  let created: Date | undefined;
  const generations = entries.map(({ generation, spec, author, at }) => {
    const entry = { generation: BigInt(generation), author, time: timestampFromDate(at) };
    if (spec === null) {
      created = undefined;
      return create(GenerationSchema, { ...entry, removed: true });
    }
    created ??= at;
    return create(GenerationSchema, {
      ...entry,
      resource: toResource(kind, { ...address, generation, spec, author, created_at: created, updated_at: at }),
    });
  });
  return { generations: generations.reverse() };
}
