import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { pino } from 'pino';
import type { TestProject } from 'vitest/node';

import { migrateWorkflows } from '../bake/workflow/workflow-engine.js';
import { startEmbeddedPostgres } from './embedded.js';
import { migrate } from './migrate.js';
import { connect } from './pool.js';
import { openRuntimeDir } from '../host/runtime-dir.js';
import { administer, databaseUrl, templateName } from './testing.js';

/** Vitest's global setup: one PostgreSQL server for the whole run, gone when the run ends, whichever way it ends. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'murmur-test-'));
  const stopWatching = watchOver(dataDir, await openRuntimeDir(dataDir));
  const log = pino({ level: 'warn' }, pino.destination(2));
  const postgres = await startEmbeddedPostgres({
    dataDir,
    log,
    settings: ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off', 'shared_buffers=64MB'],
  });
  const administrative = databaseUrl(postgres.url, 'postgres');
  await administer(administrative, `create database ${templateName}`);
  const template = connect(databaseUrl(postgres.url, templateName));
  await migrate(template);
  await migrateWorkflows(template, log);
  await template.close();
  project.provide('postgresUrl', administrative);
  return async () => {
    await postgres.stop();
    stopWatching();
    await rm(dataDir, { recursive: true, force: true });
  };
}

/**
 * A shell that waits for this process to end, even by SIGKILL, which closes the pipe between them, and then removes the
 * server and its files. Without it, every test run that was interrupted would leave a PostgreSQL running.
 */
function watchOver(dataDir: string, socketDir: string): () => void {
  const script = `
    read -r _
    pid=$(head -n 1 "$0/postgres/postmaster.pid" 2>/dev/null) && kill -QUIT "$pid"
    while [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
    rm -rf "$0" "$1"`;
  const watcher = spawn('/bin/sh', ['-c', script, dataDir, socketDir], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  watcher.unref();
  return () => {
    watcher.kill('SIGKILL');
  };
}
