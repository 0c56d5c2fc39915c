import { createHash, randomInt } from 'node:crypto';

import type { Token } from '../../substrates/substrate.js';
import { canonicalJson } from './identity.js';

const longestRecipe = 42;
const cutRecipe = 33;
const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** What a completed bake is called, in the catalog and on its substrate. */
export interface BuildIdentity {
  readonly tenant: string;
  readonly recipe: string;
  readonly imageHash: string;
  /** 1 for the first build of an identity; images are immutable, so each later one has a name of its own. */
  readonly buildNumber: number;
}

/** The image's name in the catalog: at most 63 characters for build numbers up to 999. */
export function catalogName({ recipe, imageHash, buildNumber }: Omit<BuildIdentity, 'tenant'>): string {
  const stem = recipe.length > longestRecipe ? `${recipe.slice(0, cutRecipe)}-${sha256(recipe).slice(0, 8)}` : recipe;
  const suffix = buildNumber === 1 ? '' : `-${buildNumber}`;
  return `${stem}-${imageHash.slice(0, 16)}${suffix}`;
}

/** The artifact's name on its substrate. It holds the tenant, so that two tenants in one account never collide. */
export function artifactName({ tenant, recipe, imageHash, buildNumber }: BuildIdentity): string {
  return `murmur-provision-${sha256(canonicalJson([tenant, recipe, imageHash, buildNumber])).slice(0, 16)}`;
}

/** A fresh run id: ten characters that are easy to type, told apart by their first few. */
export function newRunId(): string {
  // A letter first, so that no tool ever reads an id as a number.
  let id = alphabet.charAt(randomInt(26));
  while (id.length < 10) id += alphabet.charAt(randomInt(alphabet.length));
  return id;
}

/** The token of what one step creates in one attempt of a run: the same after any crash. */
export function stepToken(runId: string, attempt: number, step: string): Token {
  return `${runId}-${attempt}-${step}` as Token;
}

function sha256(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex');
}
