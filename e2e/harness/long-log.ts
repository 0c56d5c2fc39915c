import { connectToDatabase } from './database.js';
import type { TestServer } from './server.js';

const pieceLines = 500;

/** Puts a log of so many lines in place of a bake's own. */
export async function setLongLog(server: TestServer, runId: string, lines: number, lineOf: (index: number) => string): Promise<void> {
  const connection = await connectToDatabase(server);
  try {
    await connection.database.transaction().execute(async (trx) => {
      await trx.deleteFrom('run_log').where('run_id', '=', runId).execute();
      let offset = 0;
      for (let from = 0; from < lines; from += pieceLines) {
        const text = Array.from({ length: Math.min(pieceLines, lines - from) }, (_, at) => `${lineOf(from + at)}\n`).join('');
        await trx.insertInto('run_log').values({ run_id: runId, start_offset: offset, text }).execute();
        offset += Buffer.byteLength(text);
      }
      await trx.updateTable('runs').set({ log_size: offset }).where('id', '=', runId).execute();
    });
  } finally {
    await connection.close();
  }
}
