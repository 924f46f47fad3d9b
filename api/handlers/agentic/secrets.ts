import {
  holdSecret, insertSecret, listSecrets, removeSecret, replaceSecret, type KeptSecret,
} from '../../../db/kept-secrets'; // prettier-ignore
import { Conflict, NotFound } from '../../../domain/errors';
import type { NewEntry } from '../../../domain/log';
import { seal } from '../../../log/keys';
import { aboutKept } from '../../../pipeline/credential';
import type { secrets } from '../../contracts/agentic/secrets';
import type { Ctx, Handlers } from '../../kernel';

const pathOf = (k: KeptSecret): string => `${k.system}/${k.resourceType}/${k.resourceId}`;

const view = (k: KeptSecret) => ({
  id: k.number,
  path: pathOf(k),
  system: k.system,
  resource_type: k.resourceType,
  resource_id: k.resourceId,
  action: k.action,
  version: k.version,
  changed_by: k.changedBy.name,
  created_at: k.createdAt,
  updated_at: k.updatedAt,
  secret_values_returned: false as const,
});

const entry = (ctx: Ctx, kind: string, k: KeptSecret, more: Record<string, unknown> = {}): NewEntry => ({
  kind,
  actor: ctx.actor,
  subject: { kind: 'secret', id: k.id },
  body: {
    secret_id: k.number,
    path: pathOf(k),
    action: k.action,
    version: k.version,
    ...more,
    secret_values_returned: false,
  },
});

export const secretHandlers: Handlers<typeof secrets> = {
  listSecrets: ({ query }, ctx) =>
    ctx.read(async (tx) => {
      const { secrets, total } = await listSecrets(tx, query.limit, query.offset);
      return { secrets: secrets.map(view), total };
    }),

  putSecret: ({ body }, ctx) =>
    ctx.write(async (tx) => {
      const { system, resource_type: resourceType, resource_id: resourceId, action } = body;
      const scope = { system, resourceType, resourceId, action };
      const changedIn = ctx.newId();
      const put = (id: string) => ({ scope, by: ctx.actor, changedIn, sealed: seal(ctx.kernel.masterKey, body.value, aboutKept(id)) }); // prettier-ignore
      const stood = await holdSecret(tx, scope);
      const made = stood ? null : await insertSecret(tx, changedIn, put(changedIn));
      const stands = stood ?? (made ? null : await holdSecret(tx, scope)); // somebody put one meanwhile
      if (stands?.changedIn === changedIn) return { ...view(stands), replaced: stands.version > 1 };
      const kept = made ?? (stands && (await replaceSecret(tx, stands.id, put(stands.id))));
      if (!kept) throw new Conflict('a secret for this scope was put and deleted just now: ask again', { field: 'system' }); // prettier-ignore
      tx.log(entry(ctx, made ? 'secret.kept' : 'secret.replaced', kept));
      return { ...view(kept), replaced: made === null };
    }),

  deleteSecret: ({ params }, ctx) =>
    ctx.write(async (tx) => {
      const gone = await removeSecret(tx, params.secret_id);
      if (!gone) throw new NotFound(`no secret ${params.secret_id}`);
      tx.log(entry(ctx, 'secret.deleted', gone.secret, { leases: gone.leases.map((l) => l.number) }));
      for (const lease of gone.leases) {
        tx.log({
          kind: 'lease.revoked',
          actor: ctx.actor,
          subject: { kind: 'lease', id: lease.id },
          runId: lease.runId,
          agentId: lease.agentId,
          reason: 'its secret was deleted',
          body: { lease_id: lease.number, secret_values_returned: false },
        });
      }
      return { status: 'deleted' as const, id: params.secret_id, leases_ended: gone.leases.length };
    }),
};
