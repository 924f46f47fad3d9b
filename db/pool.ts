import { Pool, types } from 'pg';

// bigint: everything we keep in one (seq, sizes, counts) is far below 2^53.
types.setTypeParser(types.builtins.INT8, Number);

/**
 * How long a statement waits for a lock: less than a caller waits for an answer (ten seconds), so that who meets a log or a
 * row that somebody holds for too long is told to come back, and gives the connection to others. A process that hangs in
 * the middle of a transaction is let go of by the server; one that holds a tenant's log far sooner (log/store.ts).
 */
const patience = '-c lock_timeout=5s -c idle_in_transaction_session_timeout=60s';

/** Connections of the application's own role: it cannot leave row-level security, nor change the log. */
export const appPool = (databaseUrl: string, size: number, onError: (e: Error) => void): Pool => {
  const pool = new Pool({
    connectionString: databaseUrl,
    // Many small statements at once: workers beside a connection would only take from the others.
    options: `-c role=wheelhouse_app -c max_parallel_workers_per_gather=0 ${patience}`,
    max: size,
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 30_000,
    query_timeout: 30_000,
    keepAlive: true,
    // What does not need an answer to what it follows is sent with it; a query that takes too long ends the connection.
    pipeline: true,
  });
  pool.on('error', () => undefined); // an idle one that breaks is replaced; it has told onError itself
  // One that breaks between two statements of a transaction says so too: without a listener that ends the process.
  pool.on('connect', (client) => client.on('error', onError));
  return pool;
};
