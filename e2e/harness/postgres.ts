import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { createLog } from '../../packages/server/src/create-log.js';
import { startEmbeddedPostgres } from '../../packages/server/src/database/embedded.js';
import { processesIn, readPidFile } from '../../packages/server/src/database/embedded/postmaster.js';
import { connect } from '../../packages/server/src/database/pool.js';
import { isGone } from '../../packages/server/src/host/process-start.js';

/** A PostgreSQL that no server owns, and everything that may befall it. It comes back by itself whenever it ends. */
export interface TestPostgres extends AsyncDisposable {
  readonly url: string;
  /** Ends every session, as an administrator may. */
  cutSessions(): Promise<void>;
  /** SIGKILL of its first process, or SIGINT, which is a restart in order. */
  end(signal: 'SIGKILL' | 'SIGINT'): Promise<void>;
  /** Stops all its processes where they stand: it takes connections and says nothing. */
  hang(): Promise<void>;
  goOn(): Promise<void>;
}

/** Starts one in a folder of its own. */
export async function startPostgres(): Promise<TestPostgres> {
  const dataDir = await mkdtemp(join(tmpdir(), 'murmur-e2e-pg-'));
  const postgres = await startEmbeddedPostgres({ dataDir, log: createLog({ MURMUR_LOG_LEVEL: 'silent' }) });
  const cluster = join(dataDir, 'postgres');
  const signalAll = async (signal: NodeJS.Signals): Promise<void> => {
    for (const pid of await processesIn(cluster)) tell(pid, signal);
  };
  return {
    url: postgres.url,
    async cutSessions() {
      const connection = connect(postgres.url);
      try {
        await connection.pool.query(
          'select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = current_database()',
        );
      } finally {
        await connection.close();
      }
    },
    async end(signal) {
      process.kill(await postmasterOf(cluster), signal);
    },
    async hang() {
      // The first process first, or a session that it makes meanwhile goes on; twice, as one may be on its way to the folder.
      process.kill(await postmasterOf(cluster), 'SIGSTOP');
      for (let round = 0; round < 2; round += 1) {
        await signalAll('SIGSTOP');
        await delay(100);
      }
    },
    goOn: () => signalAll('SIGCONT'),
    async [Symbol.asyncDispose]() {
      await signalAll('SIGCONT');
      await postgres.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** Sessions come and go: one that has ended meanwhile needs no signal. */
function tell(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}

async function postmasterOf(cluster: string): Promise<number> {
  const file = await readPidFile(cluster);
  if (file === undefined) throw new Error('PostgreSQL does not run');
  return file.pid;
}
