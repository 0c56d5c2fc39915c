import type { Connection } from '../../packages/server/src/database/pool.js';
import { connectToDatabase } from './database.js';
import type { TestServer } from './server.js';
import { eventually } from './wait.js';

/** Where a bake can be stopped: a step has done its work but nothing says so, or it is written down and nothing came after. */
export interface Border {
  readonly step: string;
  readonly side: 'done, not recorded' | 'recorded';
}

/** Stops a server at the borders of its bakes' steps. */
export interface Borders extends AsyncDisposable {
  /** Lets the next bake that comes to this border wait there. */
  arm(border: Border): Promise<void>;
  /** Waits until a bake waits at the border, kills the server there, and undoes what it had begun to write. */
  kill(): Promise<void>;
}

const lock = 4711;

/**
 * The border is held in the database, where the server comes past anyway: a trigger waits for a lock that the test has. So
 * the server that is killed is the one that ships, and it dies exactly there.
 */
const install = `
create schema sweep;
create table sweep.border (step text not null, side text not null);
create function sweep.wait_at_border() returns trigger language plpgsql as $$
declare
  armed sweep.border;
  here boolean;
begin
  select * into armed from sweep.border;
  if not found then return new; end if;
  if armed.side = 'done, not recorded' then
    here := tg_table_name = 'run_steps' and tg_op = 'UPDATE' and to_jsonb(new) ->> 'step' = armed.step;
  else
    here := (tg_op = 'INSERT' or to_jsonb(new) ->> 'status' <> 'PENDING') and tg_table_name || tg_op <> 'run_stepsUPDATE' and exists (
      select from dbos.operation_outputs
      where workflow_uuid = coalesce(to_jsonb(new) ->> 'run_id', to_jsonb(new) ->> 'workflow_uuid')
        and function_name = '1 ' || armed.step
    );
  end if;
  if here then perform pg_advisory_xact_lock(${lock}); end if;
  return new;
end $$;
create trigger sweep before insert or update on run_steps for each row execute function sweep.wait_at_border();
create trigger sweep before update on dbos.workflow_status for each row execute function sweep.wait_at_border();
`;

/** Makes the borders of a server's bakes ones to stop at. */
export async function watchBorders(server: TestServer): Promise<Borders> {
  const connection = await connectToDatabase(server);
  const { pool } = connection;
  const holder = await pool.connect();
  await pool.query(install);
  await holder.query(`select pg_advisory_lock(${lock})`);
  return {
    async arm({ step, side }) {
      await pool.query('delete from sweep.border');
      await pool.query('insert into sweep.border values ($1, $2)', [step, side]);
    },
    async kill() {
      const pid = await eventually('a bake to come to the border', () => waitingAt(pool));
      await server.kill();
      await pool.query('delete from sweep.border');
      // As PostgreSQL would by itself on noticing that its client is gone, but before the next server starts.
      await pool.query('select pg_terminate_backend($1, 10000)', [pid]);
    },
    async [Symbol.asyncDispose]() {
      holder.release();
      await connection.close();
    },
  };
}

async function waitingAt(pool: Connection['pool']): Promise<number | undefined> {
  const { rows } = await pool.query<{ pid: number }>(
    `select pid from pg_locks where locktype = 'advisory' and objid = ${lock} and not granted`,
  );
  return rows[0]?.pid;
}
