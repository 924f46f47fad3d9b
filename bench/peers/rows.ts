import { Client, Pool } from 'pg';
import type { Rows } from './peer';

/** As many as an API of ours has. */
const connections = 16;

const durable = ['fsync', 'full_page_writes', 'synchronous_commit'];

/**
 * A database for one engine in the server that `owner` names; answers its address.
 * @throws Error when the server may lose what it has acknowledged: then nothing here could be compared
 */
export async function createDatabase(owner: string, name: string): Promise<string> {
  const client = new Client({ connectionString: owner });
  await client.connect();
  try {
    const { rows } = await client.query<{ name: string }>(
      `select name from pg_settings where name = any($1) and setting <> 'on'`,
      [durable],
    );
    if (rows.length) throw new Error(`Postgres is not durable: ${rows.map((r) => r.name).join(', ')} is not on`);
    await client.query(`create database ${name}`);
  } finally {
    await client.end();
  }
  const url = new URL(owner);
  url.pathname = name;
  return url.href;
}

/** Gates with a decision. */
export async function countDecided(url: string): Promise<number> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ n: number }>(
      `select count(*)::int as n from gates where status = 'approved'`,
    );
    return rows[0]?.n ?? 0;
  } finally {
    await client.end();
  }
}

/** The table and its writer, in the engine's process. */
export async function openRows(url: string): Promise<Rows> {
  const pool = new Pool({ connectionString: url, max: connections });
  await pool.query(
    `create table gates (id text primary key, status text not null, opened_at timestamptz not null, decided_at timestamptz)`,
  );
  const standing = new Set<string>();
  const waiting = new Map<string, () => void>();
  return {
    opened: async (gate) => {
      await pool.query({
        name: 'open',
        text: `insert into gates (id, status, opened_at) values ($1, 'pending', now()) on conflict do nothing`,
        values: [gate],
      });
      const wake = waiting.get(gate);
      if (wake) wake();
      else standing.add(gate);
    },
    // Engine and callers share a process: nobody has to poll for a row, whatever the engine offers for that.
    stands: async (gate) => {
      if (!standing.has(gate)) await new Promise<void>((resolve) => waiting.set(gate, resolve));
      standing.delete(gate);
      waiting.delete(gate);
    },
    decided: async (gate, verdict) => {
      const { rowCount } = await pool.query({
        name: 'decide',
        text: `update gates set status = $2, decided_at = coalesce(decided_at, now()) where id = $1 and status in ('pending', $2)`,
        values: [gate, verdict],
      });
      if (rowCount !== 1) throw new Error(`gate ${gate} has no row to decide`);
    },
    close: () => pool.end(),
  };
}
