import type { Principal } from '../../domain/principal';
import { Conflict, Invalid, KeyReused } from '../../domain/errors';
import { digestOf } from '../../log/canonical';
import { seal, unseal } from '../../log/keys';
import type { Kernel } from '../kernel';
import type { Operation } from '../operation';

/** An answer as it was first given; a refusal too, when the log has it: a repeat is not refused once more. */
export interface Answer {
  status: number;
  body: unknown;
}
export interface Claim {
  /** Until when the key means this request. */
  until: string;
  /** The first answer, when this request repeats one that is done. */
  replay: Answer | null;
  keep(answer: Answer): Promise<void>;
  /** The request was refused, and nothing was written: the key is free again, for another body as well. */
  release(): Promise<void>;
  /** Nobody knows what the request did: it is a repeat's to find out, and the key stays bound to its body. */
  leave(): Promise<void>;
}

const dayMs = 24 * 3600 * 1000;
/**
 * A first request that has not answered by `staleSeconds` has died with its process; until then it says each `aliveMs` that it
 * lives. Of those that wait for something to come there may be many, and each of them says it with a write.
 */
const patience = { usual: { staleSeconds: 4, aliveMs: 1_000 }, waits: { staleSeconds: 16, aliveMs: 5_000 } };

/**
 * Takes the key for this request. The same key means the same principal, route and body; it is kept a day.
 * @throws Conflict while the first still runs; KeyReused for another body; Invalid for a key that is none
 */
export async function claimKey(
  { store, config, logger }: Kernel,
  principal: Principal,
  route: string,
  key: string,
  body: unknown,
  { waits, kept }: Pick<Operation, 'waits' | 'kept'>,
): Promise<Claim> {
  const { staleSeconds, aliveMs } = patience[waits ? 'waits' : 'usual'];
  const keptMs = kept ? kept.seconds * 1000 : dayMs;
  if (!/^[\x21-\x7e]{1,200}$/.test(key)) {
    throw new Invalid('Idempotency-Key: 1 to 200 printable characters without spaces', { field: 'Idempotency-Key' });
  }
  const digest = digestOf(body ?? null);
  const id = [principal.tenantId, principal.id, route, key];
  const about = `answer:${id.join(':')}`;
  const masterKey = config.masterKey;
  if (!masterKey) throw new Error('WHEELHOUSE_MASTER_KEY is not set');
  const { until, row } = await store.write(principal.tenantId, async (tx) => {
    await tx.query(`delete from idempotency_keys where expires_at < now()`);
    const taken = await tx.query<{ expires_at: Date }>(
      `insert into idempotency_keys (tenant_id, principal_id, route, key, body_digest, expires_at) values ($1, $2, $3, $4, $5, $6)
       on conflict (tenant_id, principal_id, route, key) do update set started_at = now()
       where idempotency_keys.answer_sealed is null and idempotency_keys.body_digest = $5
         and idempotency_keys.started_at < now() - make_interval(secs => ${staleSeconds})
       returning expires_at`,
      [...id, digest, new Date(Date.now() + keptMs)],
    );
    if (taken.rows[0]) return { until: taken.rows[0].expires_at, row: null };
    const { rows } = await tx.query<{ body_digest: string; answer_sealed: Buffer | null; expires_at: Date }>(
      `select body_digest, answer_sealed, expires_at from idempotency_keys where tenant_id = $1 and principal_id = $2 and route = $3 and key = $4`,
      id,
    );
    return { until: rows[0]?.expires_at ?? new Date(), row: rows[0] ?? null };
  });
  if (row && row.body_digest !== digest) {
    throw new KeyReused('Idempotency-Key was used with another body', { field: 'Idempotency-Key' });
  }
  if (row && !row.answer_sealed) {
    throw new Conflict('the first request with this Idempotency-Key is still running', { field: 'Idempotency-Key' });
  }
  const alive = setInterval(() => {
    const renewed = store.write(principal.tenantId, (tx) =>
      tx.query(
        `update idempotency_keys set started_at = now()
         where tenant_id = $1 and principal_id = $2 and route = $3 and key = $4 and answer_sealed is null`,
        id,
      ),
    );
    renewed.catch((err: unknown) => logger.warn({ err }, 'a claim on an Idempotency-Key was not renewed'));
  }, aliveMs).unref();
  if (row) clearInterval(alive);
  return {
    until: until.toISOString(),
    replay: row?.answer_sealed ? (JSON.parse(unseal(masterKey, row.answer_sealed, about).toString()) as Answer) : null,
    keep: (answer) => {
      clearInterval(alive);
      return store.write(principal.tenantId, async (tx) => {
        await tx.query(
          `update idempotency_keys set answer_sealed = $5 where tenant_id = $1 and principal_id = $2 and route = $3 and key = $4`,
          [...id, seal(masterKey, JSON.stringify(answer), about)],
        );
      });
    },
    release: () => {
      clearInterval(alive);
      return store.write(principal.tenantId, async (tx) => {
        await tx.query(
          `delete from idempotency_keys where tenant_id = $1 and principal_id = $2 and route = $3 and key = $4 and answer_sealed is null`,
          id,
        );
      });
    },
    leave: () => {
      clearInterval(alive);
      return store.write(principal.tenantId, async (tx) => {
        await tx.query(
          `update idempotency_keys set started_at = '-infinity'
           where tenant_id = $1 and principal_id = $2 and route = $3 and key = $4 and answer_sealed is null`,
          id,
        );
      });
    },
  };
}
