import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import {
  type CreateApiKeyResponse,
  CreateApiKeyResponseSchema,
  type CreateTenantRequest,
  type Fault,
  type ListTenantsRequest,
  MurmurError,
  type Tenant,
  TenantSchema,
  refusal,
} from '@murmur/api';

import { accessErrors } from './errors.js';
import { type CatalogContext, PLATFORM_TENANT, everything } from '../catalog/context.js';
import { setResource } from '../catalog/verbs/index.js';
import type { Database, DatabaseTransaction } from '../database/tables.js';
import { toApiKey } from './api-key-calls.js';
import { subjectFaults } from './api-key-request.js';
import { createApiKey } from './api-keys.js';
import type { Identity } from './identity.js';
import { type Page, nextPage, pageOf } from './page.js';
import { profileOf } from './subject.js';
import { tenantIdPattern } from './tenant-id.js';

const tenantsPage: Page = { of: 'tenant', filters: [], keys: tenantIdPattern };

/**
 * Makes a tenant whose admins hold the role `murmur-admin` there by a binding `admins`, and a key for each of them: all of it
 * or nothing. Throws ALREADY_EXISTS for a tenant there is.
 */
export async function createTenant(
  parts: { database: Database; tenantKeys: CatalogContext['tenantKeys'] },
  operator: Identity,
  { id, admins }: Pick<CreateTenantRequest, 'id' | 'admins'>,
): Promise<{ tenant: Tenant; keys: CreateApiKeyResponse[] }> {
  const [first, ...others] = faultsOf(id, admins);
  if (first !== undefined) throw MurmurError.ofFaults([first, ...others]);
  return parts.database.transaction().execute(async (trx) => {
    const row = await trx
      .insertInto('tenants')
      .values({ id })
      .onConflict((conflict) => conflict.doNothing())
      .returningAll()
      .executeTakeFirst();
    if (row === undefined) throw refusal(accessErrors.tenantExists, [id]);
    const document = JSON.stringify({ name: 'admins', description: 'Made with the tenant', role_ref: 'murmur-admin', users: admins });
    await setResource(
      { ...parts, database: trx, identity: { tenant: id, subject: operator.subject }, permits: everything },
      { kind: 'tenant-binding', name: 'admins', document, fields: [] },
    );
    return { tenant: toTenant(row), keys: await keysOf(trx, id, admins, operator) };
  });
}

/** One page of the tenants in the order of their ids. The platform, where nobody signs in, is not among them. */
export async function listTenants(
  database: Database,
  request: Pick<ListTenantsRequest, 'pageSize' | 'pageToken'>,
): Promise<{ tenants: Tenant[]; nextPageToken: string }> {
  const { size, after } = pageOf(tenantsPage, request);
  let query = database.selectFrom('tenants').selectAll().where('id', '<>', PLATFORM_TENANT);
  if (after !== undefined) query = query.where('id', '>', after);
  const rows = await query
    .orderBy('id')
    .limit(size + 1)
    .execute();
  return { tenants: rows.slice(0, size).map(toTenant), nextPageToken: nextPage(tenantsPage, rows, size, ({ id }) => id) };
}

async function keysOf(trx: DatabaseTransaction, tenant: string, admins: readonly string[], { subject: author }: Identity) {
  const keys: CreateApiKeyResponse[] = [];
  for (const subject of admins) {
    const { token, row } = await createApiKey(trx, { tenant, subject, author, reach: 'tenant', description: 'Made with the tenant' });
    keys.push(create(CreateApiKeyResponseSchema, { key: toApiKey(row), token }));
  }
  return keys;
}

function toTenant({ id, created_at }: { id: string; created_at: Date }): Tenant {
  return create(TenantSchema, { id, createTime: timestampFromDate(created_at) });
}

function* faultsOf(id: string, admins: readonly string[]): Iterable<Fault> {
  const code = 'INVALID_ARGUMENT';
  if (!tenantIdPattern.test(id)) {
    yield {
      code,
      message: id === '' ? 'id is required' : 'id must match {github_app|github_oauth|local}/[A-Za-z0-9][A-Za-z0-9._-]{0,62}',
      hint: 'Write the provider, a slash and the organisation, such as local/acme.',
      path: 'id',
    };
  }
  if (admins.length === 0) {
    yield { code, message: 'admins is required', hint: 'Name at least one admin: nobody else can let anyone in.', path: 'admins' };
  }
  for (const [index, admin] of admins.entries()) {
    const path = `admins[${index}]`;
    yield* subjectFaults(path, admin);
    if (profileOf(admin) !== undefined) {
      yield { code, message: `${path}: a new tenant has no service profiles`, hint: 'Name a user, such as ana@example.com.', path };
    }
    if (admins.indexOf(admin) < index) yield { code, message: `${path}: "${admin}" is named twice`, hint: 'Name each admin once.', path };
  }
}
