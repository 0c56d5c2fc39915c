import { createHash } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';

import { MurmurError } from '@murmur/api';

import { unhurried } from './client.js';
import type { Connection } from './pool.js';

interface Migration {
  readonly name: string;
  readonly sql: string;
  readonly checksum: string;
}

// The SQL stays in src: this file lies two folders below the package both as source and as compiled code.
const folder = new URL('../../src/database/migrations/', import.meta.url);

// 'murmur' in ASCII. Any server that migrates this database waits for this lock.
const lockKey = 0x6d75726d7572;

/**
 * Brings the database to this version's tables: runs every file of `migrations/` that it has not seen, in name order, in
 * one transaction. Servers that start at the same time take turns, and all but the first find nothing to do.
 *
 * Throws FAILED_PRECONDITION when a newer Murmur has migrated this database, or an applied file was edited afterwards.
 */
export async function migrate(connection: Pick<Connection, 'openClient'>): Promise<void> {
  const migrations = await readMigrations();
  // An index on a large table takes its time.
  const client = connection.openClient({ name: 'murmur migrations', limits: unhurried });
  await client.connect();
  try {
    await client.query('begin');
    await client.query('select pg_advisory_xact_lock($1)', [lockKey]);
    await client.query(
      `create table if not exists schema_migrations (
         name text primary key, checksum text not null, applied_at timestamptz not null default now())`,
    );
    const applied = await client.query<{ name: string; checksum: string }>('select name, checksum from schema_migrations order by name');
    checkApplied(applied.rows, migrations);
    const done = new Set(applied.rows.map((row) => row.name));
    for (const migration of migrations) {
      if (done.has(migration.name)) continue;
      await client.query(migration.sql);
      await client.query('insert into schema_migrations (name, checksum) values ($1, $2)', [migration.name, migration.checksum]);
    }
    await client.query('commit');
  } finally {
    // Which rolls back what was not committed.
    await client.end();
  }
}

function checkApplied(applied: readonly { name: string; checksum: string }[], known: readonly Migration[]): void {
  for (const row of applied) {
    const migration = known.find((candidate) => candidate.name === row.name);
    if (migration === undefined) {
      throw new MurmurError('FAILED_PRECONDITION', `the database was migrated by a newer Murmur (${row.name})`, {
        hint: 'Start the newer version, or restore a backup from before the upgrade.',
      });
    }
    if (migration.checksum !== row.checksum) {
      throw new MurmurError('FAILED_PRECONDITION', `migration ${row.name} differs from the one this database was made with`, {
        hint: 'Start the version of Murmur that made this database, or use a new one.',
      });
    }
  }
}

async function readMigrations(): Promise<Migration[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sql')).toSorted();
  return Promise.all(
    names.map(async (file) => {
      const sql = await readFile(new URL(file, folder), 'utf8');
      return { name: file.slice(0, -'.sql'.length), sql, checksum: createHash('sha256').update(sql).digest('hex') };
    }),
  );
}
