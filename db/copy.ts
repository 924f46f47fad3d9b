import { Query, type ClientBase, type Connection } from 'pg';

/** What precedes the first row: signature, flags, and the length of an extension that there is none of. */
const headerLength = 19;
const endMark = 0xffff;
/** More columns than any table has. */
const most = 64;
/** Rows after which others of the process have a turn: Node would go on for as long as there is something to read. */
const turn = 100;

/** @types/pg leaves out what the client calls while a `copy` goes on. */
interface Copying {
  callback: (error: Error | null) => void;
  handleCopyData: (message: { chunk: Buffer }, connection: Connection) => void;
}

/** A row's bytes, and where in them each field is. It is filled again and again: what is wanted of it is taken at once. */
export class Fields {
  bytes: Buffer = Buffer.alloc(0);
  readonly from = new Int32Array(most);
  /** Before `from`: null. */
  readonly to = new Int32Array(most);

  /** In Postgres's binary form: int16 fields, each int32 length (-1: null) and bytes. */
  fill(row: Buffer): void {
    this.bytes = row;
    const fields = row.readUInt16BE(0);
    for (let i = 0, at = 2; i < fields; i += 1) {
      const length = row.readInt32BE(at);
      at += 4;
      this.from[i] = at;
      this.to[i] = at + length;
      if (length > 0) at += length;
    }
  }

  isNull(field: number): boolean {
    return (this.to[field] as number) < (this.from[field] as number);
  }

  /** Whether it begins with a text, which is ASCII. */
  begins(field: number, text: string): boolean {
    const from = this.from[field] as number;
    if ((this.to[field] as number) - from < text.length) return false;
    for (let i = 0; i < text.length; i += 1) if (this.bytes[from + i] !== text.charCodeAt(i)) return false;
    return true;
  }

  is(field: number, text: string): boolean {
    return (this.to[field] as number) - (this.from[field] as number) === text.length && this.begins(field, text);
  }

  /** A part of it with one character for each byte: for what is ASCII, or wrong. Of null as well: ''. */
  ascii(field: number, from = 0, to = Infinity): string {
    const start = this.from[field] as number;
    return this.bytes.toString('latin1', start + from, Math.min(start + to, this.to[field] as number));
  }

  /** Of null as well: ''. */
  text(field: number): string {
    return this.bytes.toString('utf8', this.from[field], this.to[field]);
  }
}

/**
 * Each row of a select whose columns are all text or JSON, as it comes: for very many, where an object, a string and a place in
 * a result for each field cost more than what is done with them.
 *
 * @throws what the database throws, or the first that `onRow` threw, when the statement is over
 */
export function copyOut(client: ClientBase, select: string, onRow: (row: Fields) => void): Promise<void> {
  const fields = new Fields();
  return new Promise((resolve, reject) => {
    let thrown: Error | null = null;
    let rows = 0;
    const query = new Query(`copy (${select}) to stdout (format binary)`);
    Object.assign<Query, Copying>(query, {
      callback: (error) => {
        if (error) reject(error);
        else if (thrown) reject(thrown);
        else resolve();
      },
      handleCopyData: ({ chunk }, { stream }) => {
        const row = rows === 0 ? chunk.subarray(headerLength) : chunk;
        rows += 1;
        if (rows % turn === 0) {
          stream.pause();
          setImmediate(() => stream.resume());
        }
        if (thrown || row.readUInt16BE(0) === endMark) return;
        try {
          fields.fill(row);
          onRow(fields);
        } catch (error) {
          thrown = error as Error;
        }
      },
    });
    client.query(query);
  });
}
