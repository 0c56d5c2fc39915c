import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { type AuditEntry, AuditEntrySchema, type ListAuditEntriesRequest } from '@murmur/api';

import type { Database } from '../database/tables.js';
import type { AuditedName } from './audit.js';
import { type Page, nextPage, pageOf } from './page.js';

/** One page of the tenant's audit log, newest first. */
export async function listAuditEntries(
  database: Database,
  tenant: string,
  request: Pick<ListAuditEntriesRequest, 'pageSize' | 'pageToken' | 'resource' | 'actor' | 'deniedOnly'>,
): Promise<{ entries: AuditEntry[]; nextPageToken: string }> {
  const { resource, actor, deniedOnly } = request;
  const page: Page = { of: 'audit', filters: [resource, actor, String(deniedOnly)], keys: /^\d{1,15}$/ };
  const { size, after } = pageOf(page, request);
  // No entry holds a NUL, and the database cannot be asked for one.
  if (resource.includes('\0') || actor.includes('\0')) return { entries: [], nextPageToken: '' };
  let query = database
    .selectFrom('audit_entries as entry')
    .leftJoin('audit_outcomes as outcome', 'outcome.entry', 'entry.id')
    .select([
      'entry.id',
      'entry.at',
      'entry.actor',
      'entry.key_id',
      'entry.address',
      'entry.action',
      'entry.kind',
      'entry.name',
      'entry.allowed',
    ])
    .select(['outcome.code', 'outcome.made_kind', 'outcome.made_name'])
    .where('entry.tenant', '=', tenant);
  if (after !== undefined) query = query.where('entry.id', '<', Number(after));
  if (actor !== '') query = query.where('entry.actor', '=', actor);
  if (resource !== '') query = query.where('entry.id', 'in', entriesAbout(database, tenant, readName(resource)));
  // What the call itself refused for lack of a permission had been let through to it.
  if (deniedOnly) query = query.where((where) => where.or([where('entry.allowed', '=', false), where('outcome.code', '=', denied)]));
  const rows = await query
    .orderBy('entry.id', 'desc')
    .limit(size + 1)
    .execute();
  return { entries: rows.slice(0, size).map(toEntry), nextPageToken: nextPage(page, rows, size, ({ id }) => String(id)) };
}

const denied = 'PERMISSION_DENIED';

/** The entries of calls about this, and of calls that made it. */
function entriesAbout(database: Database, tenant: string, { kind, name }: AuditedName) {
  let about = database.selectFrom('audit_entries').select('id').where('tenant', '=', tenant).where('kind', '=', kind);
  let made = database.selectFrom('audit_outcomes').select('entry as id').where('made_kind', '=', kind).where('made_name', '<>', '');
  if (name !== '') {
    about = about.where('name', '=', name);
    made = made.where('made_name', '=', name);
  }
  return about.union(made);
}

function readName(resource: string): AuditedName {
  const [, kind = '', name = ''] = /^([^/]*)\/?(.*)$/s.exec(resource) ?? [];
  return { kind, name };
}

function printName({ kind, name }: AuditedName): string {
  return name === '' ? kind : `${kind}/${name}`;
}

function toEntry(row: {
  id: number;
  at: Date;
  actor: string;
  key_id: string;
  address: string;
  action: string;
  kind: string;
  name: string;
  allowed: boolean;
  code: string | null;
  made_kind: string | null;
  made_name: string | null;
}): AuditEntry {
  return create(AuditEntrySchema, {
    id: BigInt(row.id),
    time: timestampFromDate(row.at),
    actor: row.actor,
    keyId: row.key_id,
    address: row.address,
    action: row.action,
    resource: printName(row),
    allowed: row.allowed && row.code !== denied,
    outcome: row.code ?? '',
    made: printName({ kind: row.made_kind ?? '', name: row.made_name ?? '' }),
  });
}
