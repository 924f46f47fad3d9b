import { randomBytes } from 'node:crypto';
import { hash } from '@node-rs/argon2';
import { insertCredential, revokeCredential } from '../../../db/agent-credentials';
import { agentById } from '../../../db/agents';
import { revokeKeysOfUser } from '../../../db/api-keys';
import { eraseUser } from '../../../db/personal';
import { holdTokensOf, revokeTokens } from '../../../db/tokens';
import type { Write } from '../../../db/tx';
import {
  heldByEmail, holdActive, insertUser, listUsers, putInvitation, saveUser, userById, useInvitation, userByInvitation, type UserRow,
} from '../../../db/users'; // prettier-ignore
import { Conflict, Forbidden, NotFound } from '../../../domain/errors';
import { adminRoles, rankOf, whyNotGiven, type UserRole } from '../../../domain/roles';
import { hashKey } from '../../../log/credentials';
import type { people } from '../../contracts/aegis/people';
import type { Ctx, Handlers } from '../../kernel';
import { isTenant, keepOut, letIn, loggedIn, tenantNamed } from './logged-in';
import { userRow, userView } from './user-views';

const invitationDays = 7;

const above = (message: string): Forbidden => new Forbidden(message, { reason: 'role_above_own', authenticated: true });

/** Nobody gives what they have not. @throws Forbidden */
function assertGives(ctx: Ctx, role: UserRole): void {
  const why = whyNotGiven(ctx.principal, role);
  if (why !== null) throw above(why);
}

const entry = (ctx: Ctx, kind: string, user: Pick<UserRow, 'id'>, body: Record<string, unknown>) => ({
  kind,
  actor: ctx.actor,
  subject: { kind: 'user' as const, id: user.id },
  body,
});

const taken = (email: string): Conflict => new Conflict(`there is a user ${email}`, { field: 'email' });

interface Wanted {
  role?: UserRole | undefined;
  isActive?: boolean | undefined;
}

/** Changes a user, as far as the caller is above them and somebody is left who can manage the tenant's people. */
async function change(ctx: Ctx, tx: Write, id: string, wanted: Wanted): Promise<UserRow> {
  await holdTokensOf(tx, id); // before any row: whoever renews comes in this order
  const admins = await holdActive(tx, adminRoles);
  const before = await userById(tx, id);
  if (!before) throw new NotFound(`no user ${id}`);
  if (rankOf(before.role) > rankOf(ctx.principal.role)) throw above(`a user who is ${before.role} is above you`);
  const role = wanted.role ?? before.role;
  const isActive = wanted.isActive ?? before.isActive;
  if (before.erasedAt !== null && (isActive || role !== before.role))
    throw new Conflict(`user ${id} was erased, for good: invite them anew`);
  const leaves = admins.includes(id) && !(isActive && adminRoles.includes(role));
  if (leaves && admins.length === 1)
    throw new Conflict('the tenant would have nobody who manages its people: make somebody else ADMIN or OWNER first');
  const after = await saveUser(tx, id, wanted);
  await say(ctx, tx, before, after);
  return after;
}

/** What was changed; whoever has left has no tokens and no keys, also when they come back. A repeat changes nothing, and says nothing. */
async function say(ctx: Ctx, tx: Write, before: UserRow, after: UserRow): Promise<void> {
  if (before.role !== after.role) tx.log(entry(ctx, 'user.role_changed', after, { from: before.role, to: after.role }));
  if (after.isActive && !before.isActive) tx.log(entry(ctx, 'user.reactivated', after, {}));
  if (after.isActive || (!before.isActive && !before.isInvited)) return;
  const tokens = await revokeTokens(tx, { by: 'user', id: after.id }, 'deactivated');
  const keys = await revokeKeysOfUser(tx, after.id);
  tx.log(entry(ctx, 'user.deactivated', after, { tokens_ended: tokens, keys_revoked: keys }));
}

export const peopleHandlers: Handlers<typeof people> = {
  createUser: async ({ body }, ctx) => {
    if (body.tenant_id !== ctx.tenantId)
      throw new Forbidden('a user is made in one’s own tenant', { reason: 'tenant_mismatch', authenticated: true });
    assertGives(ctx, body.role);
    const passwordHash = await hash(body.password);
    const user = await ctx.write(async (tx) => {
      const made = await insertUser(tx, {
        id: ctx.newId(),
        email: body.email,
        fullName: body.full_name ?? body.email,
        role: body.role,
        passwordHash,
        isActive: true,
      });
      if (!made) throw taken(body.email);
      tx.log(entry(ctx, 'user.created', made, { role: made.role }));
      return made;
    });
    return userView(user, ctx.tenantId);
  },
  provisionCredentials: async ({ body }, ctx) => {
    const secretHash = await hash(body.secret);
    const made = await ctx.write(async (tx) => {
      const agent = await agentById(tx, body.agent_id);
      if (!agent) throw new NotFound(`no agent ${body.agent_id}`);
      await holdTokensOf(tx, agent.id);
      const replaced = body.replace && (await revokeCredential(tx, agent.id));
      const tokens = replaced ? await revokeTokens(tx, { by: 'agent', id: agent.id }, 'credentials') : 0;
      const credential = await insertCredential(tx, { id: ctx.newId(), agentId: agent.id, secretHash });
      if (!credential)
        throw new Conflict('the agent has a secret: replace says that this one is instead of it', {
          field: 'agent_id',
        });
      tx.log({
        kind: 'agent.credentials_set',
        actor: ctx.actor,
        subject: { kind: 'agent', id: agent.id },
        agentId: agent.id,
        body: { replaced, tokens_ended: tokens },
      });
      return credential;
    });
    return {
      id: made.id,
      agent_id: made.agentId,
      status: made.status,
      is_active: made.status === 'active',
      created_at: made.createdAt,
      updated_at: made.updatedAt,
    };
  },
  acceptInvitation: async ({ body }, ctx) => {
    const tenantId = tenantNamed(ctx);
    const invitation = hashKey(body.token);
    const { user, known } = await ctx.kernel.store.read(tenantId, async (tx) => ({
      user: await userByInvitation(tx, invitation),
      known: await isTenant(tx),
    }));
    const message = 'Invalid or expired invitation';
    const failed = {
      kind: 'user.login_failed',
      actor: { id: null, kind: 'user' as const, name: 'unknown' },
      subject: { kind: 'user' as const, id: 'unknown' },
    };
    if (!user) return keepOut(ctx, tenantId, known, failed, message);
    const passwordHash = await hash(body.password);
    const of = { kind: 'user' as const, id: user.id, tenantId, role: user.role };
    const joined = {
      kind: 'user.joined',
      actor: { id: user.id, kind: 'user' as const, name: user.email },
      subject: { kind: 'user' as const, id: user.id },
      body: { role: user.role, by: 'invitation' },
    };
    const token = await letIn(ctx, of, joined, async (tx) => {
      // Of two who come with it at once, the second finds it used.
      if (!(await useInvitation(tx, invitation))) throw new Conflict('the invitation was used just now');
      await saveUser(tx, user.id, { isActive: true, passwordHash, fullName: body.full_name });
    });
    return loggedIn(ctx, token, of);
  },
  listUsers: async ({ query }, ctx) => (await ctx.read((tx) => listUsers(tx, query.role ?? null))).map(userRow),
  inviteUser: async ({ body }, ctx) => {
    assertGives(ctx, body.role);
    const token = `inv_${randomBytes(32).toString('base64url')}`;
    const { user, expiresAt } = await ctx.write(async (tx) => {
      const made = await insertUser(tx, {
        id: ctx.newId(),
        email: body.email,
        fullName: body.email,
        role: body.role,
        passwordHash: null,
        isActive: false,
      });
      // Held: whoever comes in, or is invited by somebody else, at the same time does so before or after.
      const known = made ? null : await heldByEmail(tx, body.email);
      const invited = made ?? known;
      if (!invited || (known && !known.isInvited)) throw taken(body.email);
      if (known && rankOf(known.role) > rankOf(ctx.principal.role)) throw above(`${known.role} is above you`);
      const put = await putInvitation(tx, invited.id, { hash: hashKey(token), role: body.role, days: invitationDays });
      tx.log(entry(ctx, 'user.invited', invited, { role: body.role, expires_at: put.expiresAt }));
      return put;
    });
    return { ...userRow(user), invitation: { token, expires_at: expiresAt } };
  },
  updateUser: async ({ params, body }, ctx) => {
    const isActive = body.status === undefined ? body.is_active : body.status === 'active';
    if (body.role !== undefined) assertGives(ctx, body.role);
    return userRow(await ctx.write((tx) => change(ctx, tx, params.user_id, { role: body.role, isActive })));
  },
  deactivateUser: async ({ params }, ctx) => {
    const { id } = await ctx.write((tx) => change(ctx, tx, params.user_id, { isActive: false }));
    return { id, is_active: false as const };
  },
  eraseUser: ({ params: { user_id: id } }, ctx) =>
    ctx.write(async (tx) => {
      const user = await change(ctx, tx, id, { isActive: false });
      if (await eraseUser(tx, user)) tx.log(entry(ctx, 'user.erased', user, {}));
      const erased = await userById(tx, id);
      if (!erased?.erasedAt) throw new Error(`user ${id} is not erased`);
      return { id, is_active: false as const, erased_at: erased.erasedAt };
    }),
};
