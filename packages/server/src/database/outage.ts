/** Codes of PostgreSQL (class 08, 57P01 to 57P03, and 53300 when all its connections are taken) and of the network that say the server is away, not that a query is wrong. */
const outageCodes = /^(08...|57P0[123]|53300|ECONNREFUSED|ECONNRESET|EPIPE|ENOENT|ETIMEDOUT)$/;

/** Whether an error means that the database is out of reach for now. */
export function isDatabaseOutage(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (/^(Connection terminated|timeout exceeded when trying to connect)/.test(error.message)) return true;
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (code === undefined || !outageCodes.test(code)) return false;
  // A missing file of a substrate is no outage: only a missing socket is.
  return code !== 'ENOENT' || syscall === 'connect';
}
