import { createHmac } from 'node:crypto';
import { groupSeal, sealGroup, type RaciGroup } from '../../../db/approvers';
import type { Write } from '../../../db/tx';
import { Invalid } from '../../../domain/errors';
import { seal, unseal } from '../../../log/keys';
import { refusalOf } from '../../../pipeline/egress';
import type { Ctx } from '../../kernel';

// Where a group hears of changes that wait for it, and what that is signed with.

const about = (groupId: string): string => `raci-group:${groupId}`;

/** @throws Invalid for an address that no webhook may go to */
export async function assertChannel(ctx: Ctx, url: string | null | undefined): Promise<void> {
  if (url == null) return;
  const refusal = await refusalOf(url, ctx.kernel.config.webhookAllowPrivate);
  if (refusal !== null) throw new Invalid(`notify_channel: ${refusal}`, { field: 'notify_channel' });
}

/** Another for each request; the same for a repeat of one with its Idempotency-Key. */
function secretOf(ctx: Ctx, groupId: string, channel: string): string {
  const made = createHmac('sha256', ctx.kernel.masterKey).update(`raci-channel:${ctx.newId(`${groupId}:${channel}`)}`);
  return `whsec_${made.digest().subarray(0, 24).toString('base64')}`;
}

/**
 * The secret that the group's messages are signed with from now on, where this request makes one: the channel is another,
 * or has none. Nobody else is shown it, whoever names the same channel. The group's row is held, and has the channel.
 */
export async function signedWith(
  ctx: Ctx,
  tx: Write,
  before: RaciGroup | null,
  { id, notifyChannel }: Pick<RaciGroup, 'id' | 'notifyChannel'>,
  named: string | null | undefined,
): Promise<{ signing_secret?: string }> {
  if (named === undefined) return {};
  if (notifyChannel === null) {
    await sealGroup(tx, id, null);
    return {};
  }
  const key = ctx.kernel.masterKey;
  const secret = secretOf(ctx, id, notifyChannel);
  const standing = before?.notifyChannel === notifyChannel ? await groupSeal(tx, id) : null;
  // A repeat, whose first answer was lost: the secret has not been seen yet.
  if (standing) return unseal(key, standing, about(id)).toString() === secret ? { signing_secret: secret } : {};
  await sealGroup(tx, id, seal(key, secret, about(id)));
  return { signing_secret: secret };
}
