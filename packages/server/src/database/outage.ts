/**
 * SQLSTATEs that say that the server, and not the query, is at fault: connections (08), rolled back for another's sake (40),
 * no room, memory or connection (53), cancelled or shut down (57), the system's own errors (58, F0, XX); and a server that only
 * reads since a fail-over, a session that idled too long, a lock that another holds, an object in use.
 */
const serverStates = /^(?:08|40|53|57|58|72|F0|XX)...$|^(?:25006|25P03|55P03|55006)$/;

/** Faults of our own connections that carry no SQLSTATE, such as ECONNRESET: only their origin tells them from a cloud's. */
const connectionFaults = new WeakSet<Error>();

/** What pg-pool says when no connection came free, or none could be made. It has no other mark. */
const poolMessages = /^(?:timeout exceeded when trying to connect|Connection terminated)/;

/** Notes that this error came from a connection to the database, not from what was asked over it. */
export function noteConnectionFault(error: unknown): void {
  if (error instanceof Error) connectionFaults.add(error);
}

/**
 * Whether an error, or any of its causes, means that the database is out of reach for now. Then nothing is known about the work
 * itself: it may be done again, as often as it takes. Only what a query itself did wrong is no outage.
 */
export function isDatabaseOutage(error: unknown): boolean {
  return [...causesOf(error)].some((cause) => connectionFaults.has(cause) || poolMessages.test(cause.message) || isServerState(cause));
}

function isServerState(error: Error): boolean {
  // By its shape: a library may bring a copy of pg of its own.
  return 'severity' in error && 'code' in error && typeof error.code === 'string' && serverStates.test(error.code);
}

/** The error, what caused it, and what that was gathered from. */
function* causesOf(error: unknown): Iterable<Error> {
  // A set keeps its order, goes on with what is added meanwhile, and takes nothing twice.
  const found = new Set([error]);
  for (const next of found) {
    if (!(next instanceof Error)) continue;
    yield next;
    found.add(next.cause);
    if (next instanceof AggregateError) for (const one of next.errors as unknown[]) found.add(one);
  }
}
