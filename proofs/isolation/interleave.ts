import type { Client, Pool } from 'pg';
import { v7 } from 'uuid';
import { system } from '../../domain/principal';
import type { Store } from '../../log/store';
import type { Random } from '../random';

/** A tenant and what only it may see. */
export interface Inhabitant {
  tenantId: string;
  mark: string;
  /** Opens the tenant over HTTP; unused where there is no server. */
  token: string;
}
export interface Interleaved {
  /** Of how many requests there was an answer, of how many trouble made on purpose was the end. */
  answered: number;
  troubled: number;
  cancelled: number;
  killed: number;
  overHttp: number;
  leaks: string[];
}
interface Wanted {
  pool: Pool;
  store: Store;
  owner: Client;
  inhabitants: readonly Inhabitant[];
  /** A server on the same database, for a share of the requests. */
  url: string | null;
  count: number;
  chance: Random;
}

class Deliberate extends Error {}
const callers = 32;
// What cancelled queries and killed backends come to, here or in whoever shared the connection's fate.
const trouble =
  /canceling statement|terminating connection|Connection terminated|a statement of the transaction failed|transaction is aborted|log could not be written|division by zero|Client (has encountered|was closed)|ECONNRESET|EPIPE|^TimeoutError/;

/** One row a tenant that nothing but its own transactions can read. */
export async function settle(owner: Client, tenants: readonly Inhabitant[]): Promise<void> {
  for (const { tenantId, mark } of tenants) {
    await owner.query(
      `insert into articles (id, tenant_id, title, body, source) select gen_random_uuid(), $1, $2, $2, 'test' from generate_series(1, 3)`,
      [tenantId, mark],
    );
  }
}

/**
 * Requests of many tenants through a small pool, with failures, callers that give up, cancelled queries and killed
 * connections in between. Whatever is answered holds the rows of the asking tenant, all of them and no others.
 */
export async function interleave(wanted: Wanted): Promise<Interleaved> {
  const { pool, store, owner, inhabitants, url, count, chance } = wanted;
  const told: Interleaved = { answered: 0, troubled: 0, cancelled: 0, killed: 0, overHttp: 0, leaks: [] };

  const rows = async (at: Inhabitant, what: string, found: readonly { tenant_id: string; title: string }[]) => {
    const wrong = found.filter((r) => r.tenant_id !== at.tenantId || r.title !== at.mark);
    if (wrong.length || found.length < 3)
      told.leaks.push(`${what} of ${at.tenantId}: ${JSON.stringify(found).slice(0, 300)}`);
    return Promise.resolve();
  };
  const sql = 'select tenant_id, title from articles';
  type Row = { tenant_id: string; title: string };
  const kinds: Record<string, (at: Inhabitant) => Promise<void>> = {
    read: (at) => store.read(at.tenantId, async (tx) => rows(at, 'a read', (await tx.query<Row>(sql)).rows)),
    write: (at) =>
      store.write(at.tenantId, async (tx) => {
        await tx.query('update articles set updated_at = now() where id = (select id from articles limit 1)');
        tx.log({ kind: 'article.touched', actor: system, subject: { kind: 'article', id: v7() }, body: {} });
        await rows(at, 'a write', (await tx.query<Row>(sql)).rows);
      }),
    fail: (at) =>
      store.read(at.tenantId, async (tx) => {
        await rows(at, 'a read before a failure', (await tx.query<Row>(sql)).rows);
        throw new Deliberate('given up');
      }),
    break: (at) => store.read(at.tenantId, async (tx) => void (await tx.query('select 1 / 0'))),
    // Without a tenant, what the last one left behind would show.
    nobody: async () => {
      const { rows: seen } = await pool.query<Row>(sql);
      if (seen.length) told.leaks.push(`without a tenant: ${JSON.stringify(seen).slice(0, 300)}`);
    },
    // One plan under one name on each connection, for whatever tenant comes next.
    planned: async (at) => {
      const client = await pool.connect();
      let broken: Error | undefined;
      try {
        await client.query(`begin; set local app.tenant = '${at.tenantId}'`);
        await rows(at, 'a kept plan', (await client.query<Row>({ name: 'kept', text: sql })).rows);
        await client.query('commit');
      } catch (e) {
        await client.query('rollback').catch((lost: Error) => (broken = lost));
        throw e;
      } finally {
        client.release(broken);
      }
    },
    http: async (at) => {
      if (url === null) return;
      const gone = chance.below(10) === 0 ? AbortSignal.timeout(chance.below(4)) : null;
      const res = await fetch(`${url}/api/knowledge`, {
        headers: { authorization: `Bearer ${at.token}` },
        signal: gone,
      });
      if (res.status === 503) throw new Deliberate('the connection was killed');
      const body = (await res.json()) as { articles?: { title: string }[] };
      const wrong = !body.articles || body.articles.length < 3 || body.articles.some((a) => a.title !== at.mark);
      if (wrong) told.leaks.push(`over HTTP, ${at.tenantId}: ${res.status} ${JSON.stringify(body).slice(0, 300)}`);
      told.overHttp += 1;
    },
  };
  const shares = [
    'read', 'read', 'read', 'read', 'write', 'fail', 'break', 'nobody', 'planned', 'planned', ...(url ? ['http'] : []),
  ]; // prettier-ignore

  const disturb = async (kill: boolean): Promise<void> => {
    const { rows: hit } = await owner.query(
      `select ${kill ? 'pg_terminate_backend' : 'pg_cancel_backend'}(pid) from pg_stat_activity
       where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend' order by random() limit 1`,
    );
    if (hit.length) told[kill ? 'killed' : 'cancelled'] += 1;
  };

  let left = count;
  const caller = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      if (left % 50 === 0) await disturb(left % 500 === 0);
      try {
        await kinds[chance.pick(shares)]?.(chance.pick(inhabitants));
        told.answered += 1;
      } catch (e) {
        // By its words: an error of a socket is no instance of a test's Error, and one of a signal none of Node's own.
        const known = e instanceof Deliberate || trouble.test(String(e));
        if (!known) throw e;
        told.troubled += 1;
      }
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return told;
}
