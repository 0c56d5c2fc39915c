import { sql } from 'kysely';

import type { Queryable } from '../../database/tables.js';
import type { Handle } from '../../substrates/substrate.js';
import type { BakePlan } from './plan.js';

/** A completed build that may answer a bake. */
export interface CompletedBuild {
  readonly imageName: string;
  readonly artifactName: string;
  readonly runId: string;
  readonly reference: Handle;
  /** As {@link keptSite} takes it. */
  readonly site: unknown;
  /** The host it lies on; null where any server reaches it. */
  readonly host: string | null;
}

/** An image on a host that was not seen for this long answers no bake: it may never be seen again. One that restarts is back by then. */
const lostAfterSeconds = 120;

/** The newest completed build of an identity that is in the catalog, is not known to be missing, and is here or where it is looked after. */
export async function findCompleted(
  queryable: Queryable,
  tenant: string,
  plan: BakePlan,
  hostId: string,
): Promise<CompletedBuild | undefined> {
  const row = await queryable
    .selectFrom('artifacts')
    .innerJoin('resources', (join) =>
      join
        .onRef('resources.tenant', '=', 'artifacts.tenant')
        .onRef('resources.name', '=', 'artifacts.image_name')
        .on('resources.kind', '=', 'image'),
    )
    .leftJoin('runs', 'runs.id', 'artifacts.run_id')
    .leftJoin('hosts', 'hosts.id', 'artifacts.host')
    .select([
      'artifacts.image_name',
      'artifacts.host',
      'artifacts.artifact_name',
      'artifacts.reference',
      'artifacts.site',
      'runs.id as run_id',
    ])
    .where('artifacts.tenant', '=', tenant)
    .where('artifacts.recipe', '=', plan.recipe.name)
    .where('artifacts.image_hash', '=', plan.imageHash)
    .where('artifacts.missing_at', 'is', null)
    .where((where) =>
      where.or([
        where('artifacts.host', 'is', null),
        where('artifacts.host', '=', hostId),
        sql<boolean>`hosts.seen_at > now() - make_interval(secs => ${lostAfterSeconds})`,
      ]),
    )
    .orderBy('artifacts.build_number', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  return {
    imageName: row.image_name,
    artifactName: row.artifact_name,
    runId: row.run_id ?? '',
    reference: row.reference as Handle,
    site: row.site,
    host: row.host,
  };
}

/** The number of the next build of an identity: one more than the newest that ever completed, be it missing now. */
export async function nextBuildNumber(queryable: Queryable, tenant: string, plan: BakePlan): Promise<number> {
  const { newest } = await queryable
    .selectFrom('artifacts')
    .select((select) => select.fn.max('build_number').as('newest'))
    .where('tenant', '=', tenant)
    .where('recipe', '=', plan.recipe.name)
    .where('image_hash', '=', plan.imageHash)
    .executeTakeFirstOrThrow();
  return (newest ?? 0) + 1;
}
