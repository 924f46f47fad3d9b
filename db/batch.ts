import { Query, type Connection, type PoolClient, type QueryConfig, type QueryResult, type QueryResultRow } from 'pg';
import { prepareValue } from 'pg/lib/utils';

export interface Statement {
  text: string;
  values: unknown[];
  /** With a name it is planned once a connection. */
  name?: string | undefined;
}
/** With values as they go over the wire. */
interface Ready extends Statement {
  values: (string | Buffer | null)[];
}
type Answer = QueryResult<QueryResultRow>;
type Done = (error: Error | null, result: Answer) => void;

/** What a query of pg is told by its connection, as the pinned version has it. */
interface Answered {
  handleRowDescription(message: unknown): void;
  handleDataRow(message: unknown): void;
  handleCommandComplete(message: unknown, connection: Connection): void;
  handleReadyForQuery(connection: Connection): void;
  handleError(error: Error, connection: Connection): void;
}
const unnamed = { portal: '', rows: '', binary: '' };
const PgQuery = Query as unknown as new (config: QueryConfig, values: unknown, done: Done) => Answered;

/** Names of their own: pg parses again, and fails, where a batch of its connection had parsed a statement of its name. */
const nameInBatch = (name: string | undefined): string => (name ? `batch ${name}` : '');

/** The named statements that a connection has parsed. */
const parsed = new WeakMap<Connection, Set<string>>();
const parsedBy = (connection: Connection): Set<string> => {
  const known = parsed.get(connection) ?? new Set();
  parsed.set(connection, known);
  return known;
};

/**
 * Several statements in one message, answered in one: each costs neither a system call nor a wait of its own. For the
 * database what comes before the message's end is one transaction, unless a statement of it begins one that goes on.
 * After one that fails the rest is not carried out.
 */
class Batch extends PgQuery {
  private at = 0;
  private readonly parts: Answered[];
  private readonly answers: Answer[] = [];

  constructor(
    private readonly statements: readonly Ready[],
    done: (error: Error | null, answers: Answer[]) => void,
  ) {
    super({ text: '' }, undefined, (error) => done(error, this.answers));
    this.parts = statements.map(
      ({ text, values }, i) =>
        new PgQuery({ text }, values, (error, answer) => {
          if (!error) this.answers[i] = answer;
        }),
    );
  }

  submit(connection: Connection): null {
    const known = parsedBy(connection);
    connection.stream.cork();
    try {
      for (const { text, values, name } of this.statements) {
        const statement = nameInBatch(name);
        if (!known.has(statement)) {
          // One of that name may have been parsed for a statement that failed then.
          if (statement) connection.close({ type: 'S', name: statement }, true);
          connection.parse({ name: statement, text, types: [] }, true);
        }
        connection.bind({ ...unnamed, statement, values }, true);
        connection.describe({ type: 'P', name: '' }, true);
        connection.execute(unnamed, true);
      }
      connection.sync();
    } finally {
      connection.stream.uncork();
    }
    return null;
  }

  private get part(): Answered {
    const part = this.parts[this.at];
    if (!part) throw new Error('an answer that no statement of the batch waits for');
    return part;
  }

  override handleRowDescription(message: unknown): void {
    this.part.handleRowDescription(message);
  }
  override handleDataRow(message: unknown): void {
    this.part.handleDataRow(message);
  }
  override handleCommandComplete(message: unknown, connection: Connection): void {
    this.part.handleCommandComplete(message, connection);
    const name = nameInBatch(this.statements[this.at]?.name);
    if (name) parsedBy(connection).add(name);
    this.at += 1;
  }
  override handleReadyForQuery(connection: Connection): void {
    for (const part of this.parts) part.handleReadyForQuery(connection);
    super.handleReadyForQuery(connection);
  }
}

/** Sends them at once. Each promise has its answer, or the error of the first that failed, with where it was asked. */
export function sendBatch(client: PoolClient, statements: readonly Statement[]): Promise<Answer[]> {
  return new Promise<Answer[]>((resolve, reject) => {
    // Before anything is on its way: a value may have no form on the wire.
    const ready = statements.map((s): Ready => ({ ...s, values: s.values.map(prepareValue) }));
    const batch = new Batch(ready, (error, answers) => (error ? reject(error) : resolve(answers)));
    client.query(batch as unknown as Query);
  }).catch((error: Error) => {
    Error.captureStackTrace(error);
    throw error;
  });
}
