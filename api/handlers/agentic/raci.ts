import {
  enabledGroups, groupNamed, heldGroup, membersOf, raciGroups, saveGroup, type RaciGroup,
} from '../../../db/approvers'; // prettier-ignore
import { enabledRaciRules, heldRaciRule, raciRules, saveRaciRule } from '../../../db/raci';
import type { Write } from '../../../db/tx';
import { Conflict, NotFound } from '../../../domain/errors';
import type { RaciRule } from '../../../domain/raci';
import { ticketClassOf } from '../../../domain/ticket-moves';
import { authorise } from '../../auth';
import type { raci } from '../../contracts/agentic/raci';
import type { Ctx, Handlers } from '../../kernel';
import { assertChannel, signedWith } from './channel';

type Body<K extends keyof Handlers<typeof raci>> = Parameters<Handlers<typeof raci>[K]>[0]['body'];

const log = (
  ctx: Ctx,
  tx: Write,
  kind: 'raci_group' | 'raci_rule',
  what: string,
  row: { id: string; number: number; name: string },
  body: Record<string, unknown>,
): void => {
  tx.log({
    kind: `${kind}.${what}`,
    actor: ctx.actor,
    subject: { kind, id: row.id },
    body: { [kind === 'raci_group' ? 'group_id' : 'rule_id']: row.number, name: row.name, ...body },
  });
};

const groupView = (g: RaciGroup) => ({
  id: g.number,
  name: g.name,
  description: g.description,
  default_assignee: g.defaultAssignee,
  risk_level: g.riskLevel,
  notify_channel: g.notifyChannel,
  enabled: g.enabled,
});
const ruleView = (r: RaciRule) => ({
  id: r.number, name: r.name, intent: r.intent, keywords: r.keywords, ticket_class: r.ticketClass, priority: r.priority,
  assignment_group: r.assignmentGroup, responsible: r.responsible, accountable: r.accountable, consulted: r.consulted,
  informed: r.informed, approval_required: r.approvalRequired, approval_action: r.approvalAction, risk_level: r.riskLevel,
  knowledge_tags: r.knowledgeTags, auto_assign_agent: r.autoAssignAgent, auto_agent_model: r.autoAgentModel,
  auto_agent_prompt: r.autoAgentPrompt, enabled: r.enabled,
}); // prettier-ignore

/** What the request gives; what it leaves out stays. */
const given = <T>(value: T | undefined, standing: T): T => (value === undefined ? standing : value);

const changedGroup = (g: RaciGroup, body: Body<'updateRaciGroup'>): RaciGroup => ({
  ...g,
  name: body.name ?? g.name,
  description: body.description ?? g.description,
  defaultAssignee: given(body.default_assignee, g.defaultAssignee),
  riskLevel: body.risk_level ?? g.riskLevel,
  notifyChannel: given(body.notify_channel, g.notifyChannel),
  enabled: body.enabled ?? g.enabled,
});
const changedRule = (r: RaciRule, body: Body<'updateRaciRule'>): RaciRule => ({
  ...r,
  name: body.name ?? r.name,
  intent: body.intent ?? r.intent,
  keywords: body.keywords ?? r.keywords,
  ticketClass: body.ticket_class === undefined ? r.ticketClass : ticketClassOf(body.ticket_class),
  priority: body.priority ?? r.priority,
  assignmentGroup: body.assignment_group ?? r.assignmentGroup,
  responsible: body.responsible ?? body.assignment_group ?? r.responsible,
  accountable: body.accountable ?? r.accountable,
  consulted: body.consulted ?? r.consulted,
  informed: body.informed ?? r.informed,
  approvalRequired: body.approval_required ?? r.approvalRequired,
  approvalAction: given(body.approval_action, r.approvalAction),
  riskLevel: body.risk_level ?? r.riskLevel,
  knowledgeTags: body.knowledge_tags ?? r.knowledgeTags,
  autoAssignAgent: body.auto_assign_agent ?? r.autoAssignAgent,
  autoAgentModel: given(body.auto_agent_model, r.autoAgentModel),
  autoAgentPrompt: given(body.auto_agent_prompt, r.autoAgentPrompt),
  enabled: body.enabled ?? r.enabled,
});

const newGroup = (ctx: Ctx, name: string): RaciGroup => {
  const at = new Date().toISOString();
  return {
    id: ctx.newId(), tenantId: ctx.tenantId, number: 0, name, description: '', defaultAssignee: null, riskLevel: 'medium',
    notifyChannel: null, enabled: true,
    createdAt: at, updatedAt: at,
  }; // prettier-ignore
};
const newRule = (ctx: Ctx, name: string): RaciRule => {
  const at = new Date().toISOString();
  return {
    id: ctx.newId(), tenantId: ctx.tenantId, number: 0, name, intent: 'general', keywords: [], ticketClass: 'UserRequest', priority: '3',
    assignmentGroup: 'Service Desk', responsible: 'Service Desk', accountable: 'Service Owner', consulted: [], informed: [],
    approvalRequired: false, approvalAction: null, riskLevel: 'medium', knowledgeTags: [], autoAssignAgent: false,
    autoAgentModel: null, autoAgentPrompt: null, enabled: true, createdAt: at, updatedAt: at,
  }; // prettier-ignore
};

/**
 * Quorums find groups that are in use alone: one that has members is turned on and off, and told of what waits for it, by who
 * may say who they are.
 */
async function assertMayTurn(
  ctx: Ctx,
  tx: Write,
  standing: RaciGroup,
  next: Pick<RaciGroup, 'enabled'>,
  channel: string | null | undefined,
): Promise<void> {
  if (next.enabled === standing.enabled && channel === undefined) return;
  if ((await membersOf(tx, [standing.id])).get(standing.id)?.length) authorise(ctx.principal, 'approvers:write');
}

const taken = (name: string): Conflict => new Conflict(`name: there is one called ${name} already`, { field: 'name' });

export const raciHandlers: Handlers<typeof raci> = {
  getRaci: (_input, ctx) =>
    ctx.read(async (tx) => {
      const [groups, rules] = [await enabledGroups(tx), await enabledRaciRules(tx)];
      return { groups: groups.map(groupView), rules: rules.map(ruleView) };
    }),

  createRaciGroup: async ({ body }, ctx) => {
    await assertChannel(ctx, body.notify_channel);
    return ctx.write(async (tx) => {
      const made = await raciGroups.insert(tx, changedGroup(newGroup(ctx, body.name), body));
      const standing = made ?? (await groupNamed(tx, body.name));
      if (!standing) throw new Error(`no group ${body.name}`);
      if (!made) {
        const next = changedGroup({ ...standing, enabled: true }, { ...body, name: standing.name });
        await assertMayTurn(ctx, tx, standing, next, body.notify_channel);
        await saveGroup(tx, next);
      }
      const { id } = standing;
      const signing = await signedWith(
        ctx,
        tx,
        made ? null : standing,
        { id, notifyChannel: body.notify_channel ?? null },
        body.notify_channel,
      );
      log(ctx, tx, 'raci_group', 'saved', standing, { changed: Object.keys(body) });
      return { id: standing.number, status: 'saved' as const, ...signing };
    });
  },

  updateRaciGroup: async ({ params, body }, ctx) => {
    await assertChannel(ctx, body.notify_channel);
    return ctx.write(async (tx) => {
      const standing = await heldGroup(tx, params.id);
      if (!standing) throw new NotFound(`no group ${params.id}`);
      const next = changedGroup(standing, body);
      await assertMayTurn(ctx, tx, standing, next, body.notify_channel);
      if (next.name !== standing.name) {
        // Quorums go by the name: whoever may not say who is in a group may not give it another's name either.
        if ((await membersOf(tx, [standing.id])).get(standing.id)?.length)
          throw new Conflict('name: a group that has members keeps its name', { field: 'name' });
        const other = await groupNamed(tx, next.name);
        if (other && other.id !== standing.id) throw taken(next.name);
      }
      await saveGroup(tx, next);
      const signing = await signedWith(ctx, tx, standing, next, body.notify_channel);
      log(ctx, tx, 'raci_group', 'updated', next, { changed: Object.keys(body) });
      return { id: next.number, status: 'updated' as const, ...signing };
    });
  },

  deleteRaciGroup: ({ params }, ctx) =>
    ctx.write(async (tx) => {
      const standing = await heldGroup(tx, params.id);
      if (!standing) throw new NotFound(`no group ${params.id}`);
      await assertMayTurn(ctx, tx, standing, { enabled: false }, undefined);
      if (standing.enabled) {
        await saveGroup(tx, { ...standing, enabled: false });
        log(ctx, tx, 'raci_group', 'disabled', standing, {});
      }
      return { id: standing.number, status: 'disabled' as const };
    }),

  createRaciRule: ({ body }, ctx) =>
    ctx.write(async (tx) => {
      const made = await raciRules.insert(tx, changedRule(newRule(ctx, body.name), body));
      const standing = made ?? (await heldRaciRule(tx, { name: body.name }));
      if (!standing) throw new Error(`no rule ${body.name}`);
      if (!made) await saveRaciRule(tx, changedRule({ ...standing, enabled: true }, { ...body, name: standing.name }));
      log(ctx, tx, 'raci_rule', 'saved', standing, { changed: Object.keys(body) });
      return { id: standing.number, status: 'saved' as const };
    }),

  updateRaciRule: ({ params, body }, ctx) =>
    ctx.write(async (tx) => {
      const standing = await heldRaciRule(tx, { number: params.id });
      if (!standing) throw new NotFound(`no rule ${params.id}`);
      const next = changedRule(standing, body);
      const other = await heldRaciRule(tx, { name: next.name });
      if (other && other.id !== standing.id) throw taken(next.name);
      await saveRaciRule(tx, next);
      log(ctx, tx, 'raci_rule', 'updated', next, { changed: Object.keys(body) });
      return { id: next.number, status: 'updated' as const };
    }),

  deleteRaciRule: ({ params }, ctx) =>
    ctx.write(async (tx) => {
      const standing = await heldRaciRule(tx, { number: params.id });
      if (!standing) throw new NotFound(`no rule ${params.id}`);
      if (standing.enabled) {
        await saveRaciRule(tx, { ...standing, enabled: false });
        log(ctx, tx, 'raci_rule', 'disabled', standing, {});
      }
      return { id: standing.number, status: 'disabled' as const };
    }),
};
