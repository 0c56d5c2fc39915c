import { randomUUID } from 'node:crypto';

import { type FieldValue, MurmurError, type Resource, SortOrder, printYaml, specToDocument } from '@murmur/api';
import { afterAll, beforeAll, beforeEach } from 'vitest';

import type { Database } from '../database/tables.js';
import { type TestDatabase, testDatabase } from '../database/testing.js';
import { writeBuiltins } from './builtins.js';
import { createTenantKeys } from '../secrets/tenant-keys.js';
import { testKeyProvider } from '../secrets/testing.js';
import { type CatalogContext, everything } from './context.js';
import { type GenerationPage, type ListGenerationsRequest } from './verbs/generations.js';
import { getResource, listGenerations, listResources, patchResource, removeResource, setResource } from './verbs/index.js';

/** A catalog of a test's own, on a real database, with the builtins in it. */
export interface TestCatalog {
  readonly database: TestDatabase;
  readonly context: CatalogContext;
  /** The same catalog as another tenant sees it. */
  as(tenant: string): TestCatalog;
  /** The same catalog as a local tenant that has nothing yet sees it. */
  asNewTenant(): Promise<TestCatalog>;
  set(kind: string, name: string, document: string): Promise<{ resource: Resource; changed: boolean }>;
  patch(kind: string, name: string, values: Record<string, string>): Promise<{ resource: Resource; changed: boolean }>;
  get(kind: string, name: string, generation?: bigint): Promise<Resource>;
  /** The newest page of its history. */
  history(kind: string, name: string, page?: Partial<ListGenerationsRequest>): Promise<GenerationPage>;
  /** What `murmur get` prints. */
  print(kind: string, name: string): Promise<string>;
  names(kind: string): Promise<string[]>;
  remove(kind: string, name: string): Promise<unknown>;
  close(): Promise<void>;
}

/** Opens a catalog whose tenant is `local/default`. */
export async function testCatalog(): Promise<TestCatalog> {
  const database = await testDatabase();
  await writeBuiltins(database.database, {
    localSubstrates: ['QEMU', 'DOCKER'],
    localArchitecture: 'AMD64',
    awsBaseAmis: { 'us-east-1': 'ami-0abc123def456789a' },
  });
  for (const id of ['local/default', 'local/other', 'github_app/acme']) {
    await database.database.insertInto('tenants').values({ id }).execute();
  }
  return catalogOf(database, 'local/default');
}

/** Opens one catalog for a file of tests, and hands each test a tenant of its own in it. */
export function withNewTenants(use: (catalog: TestCatalog) => unknown): void {
  let everyone: TestCatalog;
  beforeAll(async () => {
    everyone = await testCatalog();
  });
  beforeEach(async () => {
    use(await everyone.asNewTenant());
  });
  afterAll(() => everyone.close());
}

/** The context of a caller who may do everything in its tenant. */
export function testContext(database: Database, identity: CatalogContext['identity']): CatalogContext {
  const permits = { ...everything, usesHost: identity.tenant.startsWith('local/') };
  return { database, identity, permits, tenantKeys: createTenantKeys(database, testKeyProvider) };
}

function catalogOf(database: TestDatabase, tenant: string): TestCatalog {
  const context = testContext(database.database, { tenant, subject: 'tester' });
  const get = async (kind: string, name: string, generation = 0n) => (await getResource(context, { kind, name, generation })).resource;
  return {
    database,
    context,
    as: (other) => catalogOf(database, other),
    asNewTenant: async () => {
      const id = `local/${randomUUID()}`;
      await database.database.insertInto('tenants').values({ id }).execute();
      return catalogOf(database, id);
    },
    set: async (kind, name, document) => setResource(context, { kind, name, document, fields: [] }),
    patch: async (kind, name, values) => patchResource(context, { kind, name, fields: yamlFields(values) }),
    get,
    history: async (kind, name, page) => listGenerations(context, { kind, name, pageSize: 1000, pageToken: '', newest: 0n, ...page }),
    print: async (kind, name) => printYaml(specToDocument(await get(kind, name))),
    names: async (kind) => {
      const { resources } = await listResources(context, { kind, sort: SortOrder.CREATED, pageSize: 1000, pageToken: '' });
      return resources.filter((resource) => !resource.builtin).map((resource) => resource.name);
    },
    remove: async (kind, name) => removeResource(context, { kind, name }),
    close: async () => database.close(),
  };
}

/** Fields as `--set path=value` sends them. */
export function yamlFields(values: Record<string, string>): Pick<FieldValue, 'path' | 'value'>[] {
  return Object.entries(values).map(([path, value]) => ({ path, value: { case: 'yaml', value } }));
}

/** The error the work ends with. Fails the test when there is none or it is not one of Murmur's own. */
export async function refusal(work: Promise<unknown>): Promise<MurmurError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof MurmurError) return error;
    throw error;
  }
  throw new Error('expected a refusal');
}

/** The error as the command line prints it. */
export async function refused(work: Promise<unknown>): Promise<string> {
  const { code, message } = await refusal(work);
  return `${code}: ${message}`;
}
