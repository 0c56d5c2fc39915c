import type { Message } from '@bufbuild/protobuf';
import { isMurmurError } from '@murmur/api';

import type { Caller } from '../access/caller.js';
import { concealed, operatorsOnly, otherTenant } from '../access/denials.js';
import { type RunIdentity, hasRun, identifyRun } from '../bake/runs/identify-run.js';
import type { Queryable } from '../database/tables.js';
import { type CallRule, requireNeeds } from './call-rules.js';

/**
 * The request to go on with, once the rule lets this caller make it: one that names a run by a prefix names it whole
 * from here on. Throws PERMISSION_DENIED before anything is looked up, so that the answer is the same for what exists and what
 * does not. Where the caller holds the permission for some recipes, the runs of others are as absent to it as those there never were.
 */
export async function authorize<Request extends Message>(
  database: Queryable,
  rule: CallRule<Request, never>,
  { identity, access, meant }: Caller & { /** The tenant the client says it speaks to. */ readonly meant: string | null },
  request: Request,
): Promise<Request> {
  if (meant !== null && meant !== identity.tenant) throw otherTenant(meant);
  const { takes } = rule;
  if (takes === 'operator' && !identity.operator) throw operatorsOnly();
  if (typeof takes === 'string') return request;
  if (typeof takes === 'function') {
    requireNeeds(access, takes(request, identity));
    return request;
  }
  requireNeeds(access, [{ anyOf: [takes.ofRun], of: 'some name' }]);
  const idOrPrefix = 'runId' in request && typeof request.runId === 'string' ? request.runId : '';
  const visible = [...access.namesFor('recipe.read'), ...access.namesFor('recipe.list'), ...access.namesFor(takes.ofRun)];
  const { id, recipe } = await visibleRun(database, identity.tenant, { idOrPrefix, visible, permission: takes.ofRun });
  access.require(takes.ofRun, recipe);
  return { ...request, runId: id };
}

async function visibleRun(
  database: Queryable,
  tenant: string,
  asked: { readonly idOrPrefix: string; readonly visible: readonly string[]; readonly permission: string },
): Promise<RunIdentity> {
  const { idOrPrefix, visible, permission } = asked;
  try {
    return await identifyRun(database, tenant, idOrPrefix, visible);
  } catch (error) {
    const absent = isMurmurError(error) && error.code === 'NOT_FOUND';
    if (!absent || visible.includes('*') || !(await hasRun(database, tenant, idOrPrefix))) throw error;
    throw concealed(error, permission);
  }
}
