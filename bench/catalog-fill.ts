import { connectToServerOf } from '@murmur/server/testing-connection';

import { type Call, succeed } from './catalog-client.js';

/** How much a catalog holds: ten images for each recipe. One is the recipe's base, the others were baked from it. */
export interface CatalogSize {
  readonly recipes: number;
}

/** The last images of every catalog have names of their own, so that a name pattern can mean a few of very many. */
export const rareImages = 9;

/** The recipe in the middle of the catalog. */
export function middleRecipe({ recipes }: CatalogSize): string {
  return `recipe-${recipes / 2}`;
}

/** The base image of a recipe. */
export function baseOf(recipe: string): string {
  return recipe.replace('recipe', 'base');
}

/** What a recipe of the benchmark says. */
export function recipeDocument(name: string, description: string): string {
  const provisioning_script = `#!/bin/sh\nset -eu\napt-get update\napt-get install -y --no-install-recommends git ripgrep\n`;
  return JSON.stringify({ name, base_image_gce_ref: baseOf(name), provisioning_script, provisioning_timeout: '15m', description });
}

/** What a base image of the benchmark says. */
export function baseDocument(name: string): string {
  const self_link = `projects/acme-agents/global/images/${name}`;
  return JSON.stringify({ name, description: 'A base image', architecture: 'ARCHITECTURE_AMD64', gce: { self_link } });
}

/**
 * Fills the first tenant of a server. The API writes the first recipe and its base image; the database multiplies what
 * that wrote, generation and references included, which for a hundred thousand takes seconds instead of half an hour.
 */
export async function fillCatalog(call: Call, dataDir: string, { recipes }: CatalogSize): Promise<void> {
  await succeed(call, 'SetResource', { kind: 'image', name: 'base-1', document: baseDocument('base-1') });
  await succeed(call, 'SetResource', { kind: 'recipe', name: 'recipe-1', document: recipeDocument('recipe-1', 'A recipe') });
  const connection = await connectToServerOf(dataDir);
  try {
    const bases = copies('image', 'base-1', `'base-' || n`, `replace(spec::text, 'base-1', 'base-' || n)::jsonb`);
    const others = copies(
      'recipe',
      'recipe-1',
      `'recipe-' || n`,
      `replace(replace(spec::text, 'recipe-1', 'recipe-' || n), 'base-1', 'base-' || n)::jsonb`,
    );
    await connection.pool.query(bases, [2, recipes]);
    await connection.pool.query(others, [2, recipes]);
    const images = recipes * 9;
    await connection.pool.query(bakedCopies(`'team-' || n % 10 || '-' || n`), [1, images - rareImages]);
    await connection.pool.query(bakedCopies(`'rare-' || n`), [images - rareImages + 1, images]);
    // PostgreSQL does this by itself within a minute of so many rows. The next statements look each of them up.
    await connection.pool.query('vacuum analyze resources, resource_generations');
    await connection.pool.query(references('recipe', 'base_image_gce_ref', 'image', `spec ->> 'base_image_gce_ref'`));
    await connection.pool.query(references('image', 'gce.provenance.recipe_ref', 'recipe', `spec #>> '{gce,provenance,recipe_ref}'`));
    await connection.pool.query('vacuum analyze resource_references');
  } finally {
    await connection.close();
  }
}

/** Images as bakes register them, nine of each recipe. */
function bakedCopies(name: string): string {
  const provenance = `jsonb_build_object('recipe_ref', 'recipe-' || (n - 1) / 9 + 1, 'image_hash', repeat(md5(n::text), 2))`;
  return copies(
    'image',
    'base-1',
    name,
    `jsonb_set(jsonb_set(spec - 'description', '{name}', to_jsonb(${name})), '{gce,provenance}', ${provenance})`,
  );
}

/** Copies of a resource under names that the database computes from numbers, from `$1` to `$2`, in their order. */
function copies(kind: string, template: string, name: string, spec: string): string {
  return `
    with made as (
      insert into resources (tenant, kind, name, generation, spec, author, created_at, updated_at)
      select tenant, kind, ${name}, generation, ${spec}, author, created_at + n * interval '1 ms', updated_at + n * interval '1 ms'
      from resources, generate_series($1::int, $2::int) as n
      where tenant = 'local/default' and kind = '${kind}' and name = '${template}'
      order by n
      returning *
    )
    insert into resource_generations (tenant, kind, name, generation, spec, author, at)
    select tenant, kind, name, generation, spec, author, updated_at from made`;
}

function references(kind: string, path: string, targetKind: string, targetName: string): string {
  return `
    insert into resource_references (tenant, kind, name, path, target_tenant, target_kind, target_name)
    select tenant, kind, name, '${path}', tenant, '${targetKind}', ${targetName}
    from resources
    where tenant = 'local/default' and kind = '${kind}' and ${targetName} is not null
    on conflict do nothing`;
}
