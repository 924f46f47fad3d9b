import { firstDay, today } from '../../../db/transparency';
import {
  cosignaturesOf,
  lastSealed,
  putCosignature,
  rootAt,
  rootsBetween,
  sealedAt,
  type Root,
} from '../../../db/transparency-roots';
import { Conflict, Forbidden, Invalid, NotFound } from '../../../domain/errors';
import type { z } from 'zod';
import { sha256 } from '../../../log/canonical';
import { readCheckpoint, readSignature, readVerifierKey, signedBy, verifierKey } from '../../../log/notes';
import { checkReceipt, type ReceiptKey } from '../../../log/receipts';
import { chainOf, dayProofs, inclusionOf, rootError, signedOf, type DayProof } from '../../../log/root-proofs';
import { computeToday, logKey, sealDays, type RootKit } from '../../../log/roots';
import { BadRequest } from '../../bad-request';
import type { transparency } from '../../contracts/aegis/transparency';
import type { Ctx, Handlers, Kernel } from '../../kernel';

type Signed = z.output<typeof transparency.listRoots.output>['data'][number]['signed'];

const keyView = ({ keyring }: Kernel) => {
  const { pem, fingerprint, createdAt } = keyring.current('receipt');
  return {
    algorithm: 'ed25519' as const,
    public_key_pem: pem,
    fingerprint,
    public_key_fingerprint: fingerprint,
    public_key_sha256: sha256(pem),
    created_at: createdAt.toISOString(),
  };
};

const rootView = (r: Root) => ({
  root_date: r.day,
  root_hash: r.rootHash,
  prev_root_hash: r.prevRootHash,
  leaf_count: r.leafCount,
  computed_at: r.computedAt,
  signed: signedOf(r) as unknown as Signed,
});
const withCheckpoint = (r: Root, proofs: Map<string, DayProof>) => ({
  ...rootView(r),
  checkpoint: proofs.get(r.day) ?? null,
});

/** A key of that name that signs roots; without a name, the current one. */
const finder =
  ({ keyring }: Kernel) =>
  (named: string | null): ReceiptKey | null => {
    const known = named === null ? keyring.current('receipt') : keyring.find(named);
    return known?.purpose === 'receipt' ? known : null;
  };

/** Writes with the request's id in the entries. */
const kitOf = (ctx: Ctx): RootKit => ({
  store: { write: (_tenantId, work) => ctx.write(work) },
  keyring: ctx.kernel.keyring,
  origin: ctx.kernel.config.transparency.origin,
});

/** Each of them is looked at in its own tree: a year at a time, and the next from the last day of the one before. */
const mostDays = 366;
const daysBefore = (day: string, days: number): string =>
  new Date(Date.parse(day) - days * 86_400_000).toISOString().slice(0, 10);

const noRoot = (day: string): NotFound => new NotFound('no root persisted for that date', { root_date: day });
const wrongDay = (message: string): Invalid => new Invalid(message, { field: 'root_date' });

/** @throws Invalid for a day without a log; Conflict for one that others hang on */
async function computed(ctx: Ctx, wanted: string | null): Promise<Root> {
  const now = await ctx.read(today);
  if (wanted === null || wanted === now) {
    const root = await computeToday(kitOf(ctx), ctx.tenantId, ctx.actor);
    if (root) return root;
    throw new Conflict('the log is empty: there is nothing to compute a root of');
  }
  if (wanted > now) throw wrongDay('root_date: that day has not begun');
  const known = await ctx.read((tx) => rootAt(tx, wanted));
  if (known?.place !== null && known !== null) return standing(ctx, known);
  await sealDays(kitOf(ctx), ctx.tenantId, ctx.actor);
  const [root, first] = await ctx.read((tx) => Promise.all([rootAt(tx, wanted), firstDay(tx)]));
  if (!root) throw wrongDay(`root_date: the log begins on ${first ?? 'a later day'}`);
  return root;
}

/** A sealed day is never computed anew: it comes to what stands, or to a refusal where the next day hangs on it. */
async function standing(ctx: Ctx, root: Root): Promise<Root> {
  const [after] = await ctx.read((tx) => rootsBetween(tx, root.day, null, 1));
  if (after && after.day !== root.day) throw new Conflict(`${root.day} is sealed, and ${after.day} hangs on it`);
  return root;
}

export const transparencyHandlers: Handlers<typeof transparency> = {
  transparencyKey: (_input, { kernel }) => Promise.resolve(keyView(kernel)),
  transparencyKeys: (_input, ctx) => {
    const { config, keyring } = ctx.kernel;
    return Promise.resolve({
      active: keyView(ctx.kernel),
      historical: keyring
        .all('receipt')
        .flatMap(({ pem, fingerprint, retiredAt }) =>
          retiredAt
            ? [{ algorithm: 'ed25519' as const, public_key_pem: pem, fingerprint, retired_at: retiredAt.toISOString() }]
            : [],
        ),
      checkpoint_key: verifierKey(logKey(kitOf(ctx), ctx.tenantId)),
      witnesses: [...config.transparency.witnesses],
    });
  },
  listRoots: async ({ query }, ctx) => {
    const { roots, proofs } = await ctx.read(async (tx) => {
      const found = await rootsBetween(tx, query.since ?? null, query.until ?? null, query.limit);
      return { roots: found, proofs: await dayProofs(tx, found) };
    });
    const asked = query.since !== undefined || query.until !== undefined;
    return {
      success: true as const,
      data: roots.map((r) => withCheckpoint(r, proofs)),
      error: null,
      meta: roots.length
        ? null
        : {
            reason: asked
              ? 'no root persisted between those dates'
              : 'no day is over since the log began; POST /transparency/compute makes the root of today',
          },
    };
  },
  getRoot: ({ params }, ctx) =>
    ctx.read(async (tx) => {
      const root = await rootAt(tx, params.date);
      if (!root) throw noRoot(params.date);
      return withCheckpoint(root, await dayProofs(tx, [root]));
    }),
  getInclusion: async ({ params }, ctx) => {
    const found = await ctx.read((tx) => inclusionOf(tx, params.execution_id));
    return {
      root_date: found.day,
      proof: found.v1,
      pending: found.v1 === null,
      signed_root: found.root && found.v1 ? (signedOf(found.root) as unknown as Signed) : null,
      rfc6962: found.rfc6962,
    };
  },
  checkConsistency: ({ query }, ctx) =>
    ctx.read(async (tx) => {
      const to = query.to_date ?? (await today(tx));
      const earliest = daysBefore(to, mostDays - 1);
      const first = (await firstDay(tx)) ?? to;
      const from = query.from_date ?? (first < earliest ? earliest : first);
      if (to < from) throw new BadRequest(`to_date: ${to} is before ${from}`, { field: 'to_date' });
      if (from < earliest)
        throw new BadRequest(`from_date: at most ${mostDays} days at a time, here from ${earliest} on`, {
          field: 'from_date',
        });
      const { chain, proof } = await chainOf(tx, from, to, finder(ctx.kernel));
      return {
        from_date: from,
        to_date: to,
        count: chain.length,
        consistent: chain.every((c) => c.break === null),
        chain: chain.map((c) => ({ ...rootView(c.root), ...(c.break && { break: c.break }) })),
        rfc9162: proof,
      };
    }),
  verifyRoot: async ({ body }, ctx) => {
    const find = finder(ctx.kernel);
    const answer = (
      fingerprint: string | undefined,
      errors: ('unknown_key_fingerprint' | 'signature_mismatch' | 'root_hash_mismatch')[],
    ) => ({
      valid: errors.length === 0,
      algorithm: 'ed25519' as const,
      expected_fingerprint: fingerprint ?? ctx.kernel.keyring.current('receipt').fingerprint,
      errors,
    });
    const { date, signed, ...flat } = body;
    if (date !== undefined && signed === undefined && flat.receipt === undefined) {
      return ctx.read(async (tx) => {
        const root = await rootAt(tx, date);
        if (!root) throw noRoot(date);
        const wrong = await rootError(tx, root, find);
        const error = wrong === 'signature_mismatch' || wrong === null ? wrong : 'root_hash_mismatch';
        return answer(root.fingerprint, error ? [error] : []);
      });
    }
    const { receipt, key, error } = checkReceipt(signed ?? flat, find);
    const day = receipt?.['root_date'] ?? receipt?.['date'];
    if (error === 'malformed_payload' || receipt?.['kind'] !== 'transparency_root' || !isDay(day))
      throw new BadRequest('malformed_payload', { field: 'signed' });
    if (receipt['tenant_id'] !== ctx.tenantId) throw new Forbidden('cross_tenant_root');
    if (error) return answer(key?.fingerprint, [error]);
    const kept = await ctx.read((tx) => rootAt(tx, day));
    // Of a day that goes on there are several, and each was right when it was signed.
    const other = kept?.place !== null && kept !== null && kept.rootHash !== receipt['root_hash'];
    return answer(key?.fingerprint, other ? ['root_hash_mismatch'] : []);
  },
  computeRoot: async ({ query, body }, ctx) => {
    const root = await computed(ctx, query.root_date ?? body.root_date ?? body.date ?? null);
    return {
      ...rootView(root),
      leaf_range_start_id: root.firstId,
      leaf_range_end_id: root.lastId,
      signing_key_fingerprint: root.fingerprint,
    };
  },
  getCheckpoint: (_input, ctx) =>
    ctx.read(async (tx) => {
      const root = await lastSealed(tx);
      if (!root) throw new NotFound('no day is sealed yet');
      return { type: 'text/plain; charset=utf-8', body: (await dayProofs(tx, [root])).get(root.day)?.note ?? '' };
    }),
  cosignCheckpoint: async ({ body }, ctx) => {
    const wrong = (message: string): Invalid => new Invalid(`cosignature: ${message}`, { field: 'cosignature' });
    const line = readSignature(body.cosignature);
    if (!line) throw wrong('not a signature line: — name base64');
    const keys = ctx.kernel.config.transparency.witnesses.map(readVerifierKey);
    const by = keys.find((k) => k.kind === 'witness' && k.name === line.name && k.id.equals(line.id));
    if (!by) throw wrong(`no witness of that name and key is configured: ${line.name}`);
    return ctx.write(async (tx) => {
      const root = await sealedAt(tx, body.size);
      if (!root) throw new NotFound(`no checkpoint of size ${body.size}`);
      const text = readCheckpoint(root.checkpoint ?? '')?.text ?? '';
      const said = signedBy(text, by, line);
      if (!said?.at) throw wrong('its signature is not over that checkpoint');
      const time = new Date(said.at * 1000);
      if (time.getTime() > Date.now() + 300_000) throw wrong('its time is ahead of ours by more than five minutes');
      if (await putCosignature(tx, { day: root.day, witness: by.name, line: line.line, at: time }))
        tx.log({
          kind: 'transparency.cosigned',
          actor: ctx.actor,
          subject: { kind: 'transparency_root', id: root.day },
          body: { size: body.size, witness: by.name },
        });
      const lines = await cosignaturesOf(tx, [root.day]);
      return {
        size: body.size,
        witness: by.name,
        time: time.toISOString(),
        note: [root.checkpoint, ...lines.map((l) => l.line)].join(''),
      };
    });
  },
};

const isDay = (value: unknown): value is string =>
  typeof value === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(value) && !Number.isNaN(Date.parse(value));
