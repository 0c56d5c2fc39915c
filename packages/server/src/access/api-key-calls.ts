import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { type ApiKey, ApiKeySchema, type CreateApiKeyRequest, type ListApiKeysRequest, resourceNamePattern, refusal } from '@murmur/api';

import { accessErrors } from './errors.js';
import { requireHeld } from '../catalog/permissions/escalation.js';
import { lockResource } from '../catalog/store.js';
import type { Database, DatabaseTransaction } from '../database/tables.js';
import { matchesAnyPattern } from '../database/name-patterns.js';
import { type ApiKeyRow, apiKeyColumns, apiKeyNotFound, createApiKey, findApiKey, revokeApiKey } from './api-keys.js';
import { checkKeyRequest } from './api-key-request.js';
import type { Caller } from './caller.js';
import { concealed, operatorsOnly } from './denials.js';
import { grantsOf } from './grants.js';
import { type Page, nextPage, pageOf } from './page.js';
import { readAccessRows } from './read-rows.js';
import { profileOf } from './subject.js';

/**
 * Makes a key for a user, or for a service profile that exists, who holds nothing that the caller does not hold. A key for another
 * than the caller stays bound to the caller: it gives what both hold when it is used, and ends with the key it was made with. So
 * does every key made with such a one. Keys made by this call never act on the server itself.
 */
export async function createKey(
  database: Database,
  caller: Caller,
  request: Pick<CreateApiKeyRequest, 'subject' | 'description' | 'expiresIn'>,
): Promise<{ key: ApiKey; token: string }> {
  const ending = checkKeyRequest(request);
  const { subject, description } = request;
  const { tenant, subject: author, keyId, makers = [] } = caller.identity;
  const isBound = subject !== author || makers.length > 0;
  const bound = isBound ? { bound: { maker: author, parentKey: keyId === '' ? null : keyId } } : {};
  return database.transaction().execute(async (trx) => {
    await holdProfile(trx, caller, subject);
    requireHeld(caller.access, grantsOf(subject, await readAccessRows(trx, { tenant, subject })));
    const { token, row } = await createApiKey(trx, { tenant, subject, description, author, reach: 'tenant', ...ending, ...bound });
    return { key: toApiKey(row), token };
  });
}

/** One page of the tenant's keys that the caller may list, oldest first: the valid ones, or all. */
export async function listKeys(
  database: Database,
  { identity, access }: Caller,
  request: Pick<ListApiKeysRequest, 'pageSize' | 'pageToken' | 'all'>,
): Promise<{ keys: ApiKey[]; nextPageToken: string }> {
  const page: Page = { of: 'api-key', filters: [String(request.all)], keys: /^[a-z0-9]+$/ };
  const { size, after } = pageOf(page, request);
  let query = database
    .selectFrom('api_keys')
    .select(apiKeyColumns)
    .where('tenant', '=', identity.tenant)
    .where(matchesAnyPattern('subject', access.namesFor('api-key.list')));
  if (!request.all) {
    query = query
      .where('revoked_at', 'is', null)
      .where((where) => where.or([where('expires_at', 'is', null), where('expires_at', '>', where.fn<Date>('now'))]));
  }
  if (after !== undefined) {
    query = query.where(({ eb, refTuple, selectFrom }) =>
      eb(
        refTuple('created_at', 'id'),
        '>',
        selectFrom('api_keys as last')
          .select(['last.created_at', 'last.id'])
          .where('last.tenant', '=', identity.tenant)
          .where('last.id', '=', after)
          .$asTuple('created_at', 'id'),
      ),
    );
  }
  const rows = await query
    .orderBy('created_at')
    .orderBy('id')
    .limit(size + 1)
    .execute();
  return { keys: rows.slice(0, size).map(toApiKey), nextPageToken: nextPage(page, rows, size, ({ id }) => id) };
}

/**
 * Makes a key worthless from now on: the caller's own, or one of a subject it holds `api-key.delete` for. A key the caller may
 * neither list nor revoke is not found.
 */
export async function revokeKey(database: Database, { identity, access }: Caller, id: string): Promise<{ key: ApiKey }> {
  const found = await findApiKey(database, identity.tenant, id);
  if (id !== identity.keyId) {
    const visible = (['api-key.list', 'api-key.delete'] as const).some((permission) => access.holds(permission, found.subject));
    if (!visible) throw concealed(apiKeyNotFound(id), 'api-key.delete');
    access.require('api-key.delete', found.subject);
    // Or a tenant's admin could lock out whoever runs the server.
    if (found.operator && !identity.operator) throw operatorsOnly();
  }
  return { key: toApiKey(await revokeApiKey(database, identity.tenant, id)) };
}

/** The key as callers see it, its secret hidden. */
export function toApiKey(row: ApiKeyRow): ApiKey {
  return create(ApiKeySchema, {
    id: row.id,
    subject: row.subject,
    description: row.description,
    createTime: timestampFromDate(row.created_at),
    author: row.author,
    masked: `mur_${row.id}.****`,
    ...(row.expires_at === null ? {} : { expireTime: timestampFromDate(row.expires_at) }),
    ...(row.revoked_at === null ? {} : { revokeTime: timestampFromDate(row.revoked_at) }),
  });
}

/** Keeps the service profile a key is for from being removed before the key is there. One the caller must not learn of counts as absent. */
async function holdProfile(trx: DatabaseTransaction, { identity, access }: Caller, subject: string): Promise<void> {
  const name = profileOf(subject);
  if (name === undefined) return;
  const visible = access.holds('service-profile.read', name) || access.holds('service-profile.list', name);
  const address = { tenant: identity.tenant, kind: 'service-profile', name };
  if (visible && resourceNamePattern.test(name) && (await lockResource(trx, address, 'reference')) !== undefined) return;
  throw refusal(accessErrors.subjectAbsent, [subject]);
}
