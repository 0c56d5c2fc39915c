import type { Queryable } from '../database/tables.js';
import type { Address } from './address.js';

/** The generations of one resource, to be selected from. */
export function generationsOf(queryable: Queryable, { tenant, kind, name }: Address) {
  return queryable.selectFrom('resource_generations').where('tenant', '=', tenant).where('kind', '=', kind).where('name', '=', name);
}

/** When the resource was created that this generation, which is no removal, is one of: right after the last removal before it. */
export async function creationOf(queryable: Queryable, address: Address, generation: number): Promise<Date> {
  const of = generationsOf(queryable, address);
  const removal = await of
    .select(({ fn }) => fn.max('generation').as('last'))
    .where('spec', 'is', null)
    .where('generation', '<', generation)
    .executeTakeFirst();
  const created = await of
    .select('at')
    .where('generation', '>', removal?.last ?? 0)
    .orderBy('generation')
    .limit(1)
    .executeTakeFirstOrThrow();
  return created.at;
}
