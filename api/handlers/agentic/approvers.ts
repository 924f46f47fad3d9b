import {
  approvalRules, enabledGroups, enabledRules, groupNamed, heldGroup, heldRule, membersOf, principalsNamed, raciGroups,
  replaceMembers, ruleNamed, saveGroup, saveRule, type ApprovalRule, type RaciGroup,
} from '../../../db/approvers'; // prettier-ignore
import { assertPolicy } from '../../../db/gate-rules';
import type { Write } from '../../../db/tx';
import { Invalid, NotFound } from '../../../domain/errors';
import { QuorumPolicy } from '../../../domain/quorum.schema';
import { riskLevels } from '../../../domain/gate';
import type { approvers } from '../../contracts/agentic/approvers';
import type { Ctx, Handlers } from '../../kernel';
import { assertChannel, signedWith } from './channel';
import { assertPerson } from './seen';

const groupEntry = (ctx: Ctx, what: string, g: RaciGroup, body: Record<string, unknown> = {}) => ({
  kind: `approver_group.${what}`,
  actor: ctx.actor,
  subject: { kind: 'approver_group' as const, id: g.id },
  body: { group_id: g.number, name: g.name, ...body },
});
const ruleEntry = (ctx: Ctx, what: string, r: ApprovalRule) => ({
  kind: `approval_rule.${what}`,
  actor: ctx.actor,
  subject: { kind: 'approval_rule' as const, id: r.id },
  body: { rule_id: r.number, name: r.name, action: r.action, risk_levels: r.riskLevels, ...r.policy },
});

/** @throws Invalid for what is neither a user nor a service of the tenant */
async function members(tx: Write, names: readonly string[]): Promise<string[]> {
  const ids = await principalsNamed(tx, names);
  const unknown = names.filter((_, i) => ids[i] === null);
  if (unknown.length)
    throw new Invalid(`members: there is no user or service ${unknown.join(', ')}`, { field: 'members' });
  return [...new Set(ids.filter((id) => id !== null))];
}

/** As it is saved, and whether it was there. */
async function standing<T extends { name: string }>(
  tx: Write,
  draft: T,
  find: (tx: Write, name: string) => Promise<T | null>,
  insert: (tx: Write, draft: T) => Promise<T | null>,
): Promise<{ row: T; made: boolean }> {
  const found = await find(tx, draft.name);
  if (found) return { row: found, made: false };
  const made = await insert(tx, draft);
  if (made) return { row: made, made: true };
  const other = await find(tx, draft.name); // made meanwhile
  if (!other) throw new Error(`no row for ${draft.name}`);
  return { row: other, made: false };
}

/** Whom an agent would have to win over is not its to know; what a change still needs, its status says. */
const byPeople = 'who approves is shown to people';

export const approverHandlers: Handlers<typeof approvers> = {
  listApproverGroups: (_input, ctx) =>
    ctx.read(async (tx) => {
      assertPerson(ctx, byPeople);
      const groups = await enabledGroups(tx);
      const of = await membersOf(tx, groups.map((g) => g.id)); // prettier-ignore
      return {
        groups: groups.map((g) => ({
          id: g.number,
          name: g.name,
          description: g.description,
          notify_channel: g.notifyChannel,
          members: of.get(g.id) ?? [],
          created_at: g.createdAt,
          updated_at: g.updatedAt,
        })),
        total: groups.length,
      };
    }),

  saveApproverGroup: async ({ body }, ctx) => {
    await assertChannel(ctx, body.notify_channel);
    return ctx.write(async (tx) => {
      const ids = await members(tx, body.members);
      const at = new Date().toISOString();
      const { row, made } = await standing<RaciGroup>(
        tx,
        {
          id: ctx.newId(), tenantId: ctx.tenantId, number: 0, name: body.name, description: body.description ?? '',
          defaultAssignee: null, riskLevel: 'medium', notifyChannel: body.notify_channel ?? null, enabled: true, createdAt: at, updatedAt: at,
        },
        groupNamed,
        (t, draft) => raciGroups.insert(t, draft),
      ); // prettier-ignore
      const notifyChannel = body.notify_channel === undefined ? row.notifyChannel : body.notify_channel;
      const next = { ...row, description: body.description ?? row.description, notifyChannel, enabled: true };
      if (!made) await saveGroup(tx, next);
      const signing = await signedWith(ctx, tx, made ? null : row, next, body.notify_channel);
      await replaceMembers(tx, row.id, ids);
      const names = ((await membersOf(tx, [row.id])).get(row.id) ?? []).map((m) => m.name);
      tx.log(groupEntry(ctx, 'saved', row, { members: names, member_ids: ids }));
      return { id: row.number, name: row.name, status: 'saved' as const, members: names, ...signing };
    });
  },

  deleteApproverGroup: ({ params }, ctx) =>
    ctx.write(async (tx) => {
      const group = await heldGroup(tx, params.id);
      if (!group) throw new NotFound(`no group ${params.id}`);
      if (group.enabled) {
        await saveGroup(tx, { ...group, enabled: false });
        tx.log(groupEntry(ctx, 'disabled', group));
      }
      return { id: group.number, status: 'disabled' as const };
    }),

  listApprovalRules: (_input, ctx) =>
    ctx.read(async (tx) => {
      assertPerson(ctx, byPeople);
      const rules = await enabledRules(tx);
      return {
        rules: rules.map((r) => ({
          id: r.number,
          name: r.name,
          action: r.action,
          risk_levels: riskLevels.filter((level) => r.riskLevels.includes(level)),
          ...r.policy,
          created_at: r.createdAt,
          updated_at: r.updatedAt,
        })),
        total: rules.length,
      };
    }),

  saveApprovalRule: ({ body }, ctx) =>
    ctx.write(async (tx) => {
      const policy = QuorumPolicy.parse(body);
      await assertPolicy(tx, policy, '');
      const at = new Date().toISOString();
      const wanted = { action: body.action, riskLevels: body.risk_levels, policy, enabled: body.enabled };
      const { row, made } = await standing<ApprovalRule>(
        tx,
        {
          id: ctx.newId(),
          tenantId: ctx.tenantId,
          number: 0,
          name: body.name,
          ...wanted,
          createdAt: at,
          updatedAt: at,
        },
        ruleNamed,
        (t, draft) => approvalRules.insert(t, draft),
      );
      const next = { ...row, ...wanted };
      if (!made) await saveRule(tx, next);
      tx.log(ruleEntry(ctx, 'saved', next));
      return { id: row.number, name: row.name, status: 'saved' as const };
    }),

  deleteApprovalRule: ({ params }, ctx) =>
    ctx.write(async (tx) => {
      const rule = await heldRule(tx, params.id);
      if (!rule) throw new NotFound(`no rule ${params.id}`);
      if (rule.enabled) {
        await saveRule(tx, { ...rule, enabled: false });
        tx.log(ruleEntry(ctx, 'disabled', rule));
      }
      return { id: rule.number, status: 'disabled' as const };
    }),
};
