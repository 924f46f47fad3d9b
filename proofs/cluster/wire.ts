/** What a connection of Postgres' protocol has said so far: enough of it to know where a transaction is committed. */
export interface PostgresWire {
  /** Statements of the open transaction, the one being sent included. */
  statements: readonly string[];
  /** Takes bytes of the caller; true when they ask to commit a transaction that may write. */
  front(chunk: Buffer): boolean;
  /** Takes bytes of the server; true when they say that such a transaction is committed. */
  back(chunk: Buffer): boolean;
}

/** Alone, or with the statement that waits for the disk after it. */
const commits = /(^|;)\s*(commit|end)\s*(;|$)/i;
const readOnly = /^\s*begin\b[^;]*\bread only\b/i;

/** Cuts a stream into messages: a type byte, a length, a body. `untyped`: the first has no type (a start-up). */
function messages(untyped: boolean): (chunk: Buffer) => { type: string; body: Buffer }[] {
  let rest: Buffer = Buffer.alloc(0);
  let first = untyped;
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    const found: { type: string; body: Buffer }[] = [];
    for (;;) {
      const head = first ? 0 : 1;
      if (rest.length < head + 4) return found;
      const length = rest.readInt32BE(head);
      if (rest.length < head + length) return found;
      found.push({ type: first ? '' : rest.toString('latin1', 0, 1), body: rest.subarray(head + 4, head + length) });
      rest = rest.subarray(head + length);
      first = false;
    }
  };
}

const text = (body: Buffer, from: number): [value: string, next: number] => {
  const end = body.indexOf(0, from);
  return [body.toString('utf8', from, end), end + 1];
};

export function postgresWire(): PostgresWire {
  const front = messages(true);
  const back = messages(false);
  const prepared = new Map<string, string>();
  let statements: string[] = [];
  /** Commits that were asked for and not answered yet; false: of a transaction that only reads. */
  const asked: boolean[] = [];

  const say = (sql: string): boolean => {
    if (/^\s*begin\b/i.test(sql)) statements = [];
    statements.push(sql);
    if (/^\s*rollback\s*;?\s*$/i.test(sql)) statements = [];
    if (!commits.test(sql)) return false;
    const writes = !readOnly.test(statements[0] ?? '');
    asked.push(writes);
    return writes;
  };
  const heard = ({ type, body }: { type: string; body: Buffer }): boolean => {
    if (type === 'Q') return say(text(body, 0)[0]);
    if (type === 'P') {
      const [name, next] = text(body, 0);
      prepared.set(name, text(body, next)[0]);
    }
    if (type !== 'B') return false;
    const [, next] = text(body, 0); // the portal
    return say(prepared.get(text(body, next)[0]) ?? '');
  };
  return {
    get statements() {
      return statements;
    },
    front: (chunk) => front(chunk).map(heard).includes(true),
    back: (chunk) =>
      back(chunk)
        .filter(({ type, body }) => type === 'C' && text(body, 0)[0] === 'COMMIT')
        .map(() => asked.shift() ?? false)
        .includes(true),
  };
}
