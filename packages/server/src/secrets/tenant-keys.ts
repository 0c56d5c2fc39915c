import { createHmac, hkdfSync, randomBytes } from 'node:crypto';

import type { Database } from '../database/tables.js';
import type { KeyProvider } from './key-provider.js';
import { openWith, sealWith } from './sealing.js';

/** What one tenant's key can do. The key itself stays inside, and each purpose gets a key of its own, derived from it. */
export interface TenantKey {
  /** HMAC-SHA-256 of the value in hex. Without the key it says nothing about the value, not even to somebody who guesses. */
  hmac(purpose: string, value: string): string;
  /** Bytes that are always the same for this tenant and purpose, and random to everybody else. At most 8160. */
  derive(purpose: string, length: number): Buffer;
  /** Encrypts; the associated text names the place the value belongs to, such as its row. */
  seal(plaintext: Buffer, associated: string): Buffer;
  /** Opens what `seal` made with the same associated text. Throws INTERNAL for anything else. */
  open(sealed: Buffer, associated: string): Buffer;
}

/** The keys of all tenants. */
export interface TenantKeys {
  /** The key of a tenant that exists, made when it is first asked for. */
  of(tenant: string): Promise<TenantKey>;
}

const keyLength = 32;

/** The tenants' keys as the database holds them, wrapped by the provider's key. Each is unwrapped once and kept in memory. */
export function createTenantKeys(database: Database, keyProvider: KeyProvider): TenantKeys {
  const opened = new Map<string, Promise<TenantKey>>();
  return {
    of: (tenant) => {
      const known = opened.get(tenant);
      if (known !== undefined) return known;
      const key = loadKey(database, keyProvider, tenant).then(tenantKeyOf);
      opened.set(tenant, key);
      // A failure is told to whoever asked, and not remembered.
      key.catch(() => opened.delete(tenant));
      return key;
    },
  };
}

/** The place that a tenant's wrapped key belongs to: it opens nowhere else. */
export function placeOfTenantKey(tenant: string): string {
  return `tenant key of ${tenant}`;
}

async function loadKey(database: Database, keyProvider: KeyProvider, tenant: string): Promise<Buffer> {
  const associated = placeOfTenantKey(tenant);
  const stored = (await readRow(database, tenant)) ?? (await createRow(database, keyProvider, tenant, associated));
  return keyProvider.unwrap(stored.kek_id, stored.wrapped_key, associated);
}

async function createRow(database: Database, keyProvider: KeyProvider, tenant: string, associated: string): Promise<KeyRow> {
  await database
    .insertInto('tenant_keys')
    .values({ tenant, kek_id: keyProvider.id, wrapped_key: await keyProvider.wrap(randomBytes(keyLength), associated) })
    // Another server was first: its key is the tenant's.
    .onConflict((conflict) => conflict.column('tenant').doNothing())
    .execute();
  const row = await readRow(database, tenant);
  if (row === undefined) throw new Error(`the key of tenant ${tenant} was removed while it was made`);
  return row;
}

interface KeyRow {
  readonly kek_id: string;
  readonly wrapped_key: Buffer;
}

function readRow(database: Database, tenant: string): Promise<KeyRow | undefined> {
  return database.selectFrom('tenant_keys').select(['kek_id', 'wrapped_key']).where('tenant', '=', tenant).executeTakeFirst();
}

function tenantKeyOf(key: Buffer): TenantKey {
  const subkey = (use: string, purpose: string, length: number) => Buffer.from(hkdfSync('sha256', key, '', `${use}\0${purpose}`, length));
  const sealing = subkey('seal', '', keyLength);
  return {
    hmac: (purpose, value) =>
      createHmac('sha256', subkey('hmac', purpose, keyLength))
        .update(value)
        .digest('hex'),
    derive: (purpose, length) => subkey('derive', purpose, length),
    seal: (plaintext, associated) => sealWith(sealing, plaintext, associated),
    open: (sealed, associated) => openWith(sealing, sealed, associated),
  };
}
