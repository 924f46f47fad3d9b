import { z } from 'zod';
import { InstantSchema } from '../domain/common.schema';
import { QuorumPolicy } from '../domain/quorum.schema';
import { entity } from './entity';
import { prepared } from './prepared';
import type { Read } from './tx';

/** A group of the RACI matrix. Its members decide where a quorum names it. */
const Group = z.object({
  id: z.uuid(),
  tenantId: z.uuid(),
  number: z.int(),
  name: z.string(),
  description: z.string(),
  defaultAssignee: z.string().nullable(),
  riskLevel: z.string(),
  /** Where it hears of changes that wait for it; null: nowhere. */
  notifyChannel: z.string().nullable(),
  enabled: z.boolean(),
  createdAt: InstantSchema,
  updatedAt: InstantSchema,
});
export type RaciGroup = z.output<typeof Group>;
export const raciGroups = entity('raci_groups', Group, ['number']);

/** Whom an action needs. */
const Rule = z.object({
  id: z.uuid(),
  tenantId: z.uuid(),
  number: z.int(),
  name: z.string(),
  action: z.string(),
  riskLevels: z.array(z.string()),
  policy: QuorumPolicy,
  enabled: z.boolean(),
  createdAt: InstantSchema,
  updatedAt: InstantSchema,
});
export type ApprovalRule = z.output<typeof Rule>;
export const approvalRules = entity('approval_rules', Rule, ['number']);

export interface Member {
  id: string;
  name: string;
  kind: 'user' | 'service';
  /** False: left out of what is asked for now. */
  active: boolean;
}

/** By group. */
export async function membersOf(tx: Read, groupIds: readonly string[]): Promise<Map<string, Member[]>> {
  const { rows } = await prepared<Member & { group_id: string }>(
    tx,
    `select m.group_id, m.principal_id as id, coalesce(u.email, k.name, m.principal_id::text) as name,
       case when u.id is not null then 'user' else 'service' end as kind,
       coalesce(u.is_active, k.revoked_at is null and (k.expires_at is null or k.expires_at > now()), false) as active
     from raci_group_members m left join users u on u.id = m.principal_id
       left join api_keys k on k.id = m.principal_id
     where m.group_id = any($1) order by lower(coalesce(u.email, k.name))`,
    [groupIds],
  );
  const members = new Map<string, Member[]>(groupIds.map((id) => [id, []]));
  for (const { group_id, ...member } of rows) members.get(group_id)?.push(member);
  return members;
}

/** Users by address or id, and services by the id of their key; null for what is neither. */
export async function principalsNamed(tx: Read, names: readonly string[]): Promise<(string | null)[]> {
  const { rows } = await prepared<{ wanted: string; id: string }>(
    tx,
    `select n.wanted, p.id from unnest($1::text[]) n (wanted) cross join lateral (
       select u.id from users u where lower(u.email) = lower(n.wanted) or u.id::text = lower(n.wanted)
       union all
       select k.id from api_keys k
         where k.id::text = lower(n.wanted) and k.user_id is null and k.agent_id is null and k.revoked_at is null
     ) p`,
    [names],
  );
  const ids = new Map(rows.map((r) => [r.wanted, r.id]));
  return names.map((n) => ids.get(n) ?? null);
}

export async function replaceMembers(tx: Read, groupId: string, ids: readonly string[]): Promise<void> {
  await tx.query('delete from raci_group_members where group_id = $1 and not principal_id = any($2)', [groupId, ids]);
  await tx.query(
    `insert into raci_group_members (tenant_id, group_id, principal_id)
     select $1, $2, p from unnest($3::uuid[]) p on conflict do nothing`,
    [tx.tenantId, groupId, ids],
  );
}

/** Of a table whose names are unique; null when nothing has it. Held until the transaction ends. */
const named = <T>(of: { list(tx: Read, tail: string, params: readonly unknown[]): Promise<T[]> }) =>
  async (tx: Read, name: string): Promise<T | null> =>
    (await of.list(tx, 'where lower(name) = lower($1) for update', [name]))[0] ?? null; // prettier-ignore
const numbered = <T>(of: { list(tx: Read, tail: string, params: readonly unknown[]): Promise<T[]> }) =>
  async (tx: Read, number: number): Promise<T | null> =>
    (await of.list(tx, 'where number = $1 for update', [number]))[0] ?? null; // prettier-ignore

export const groupNamed = named(raciGroups);
export const heldGroup = numbered(raciGroups);
export const ruleNamed = named(approvalRules);
export const heldRule = numbered(approvalRules);

export const enabledGroups = (tx: Read): Promise<RaciGroup[]> =>
  raciGroups.list(tx, 'where enabled order by lower(name)', []);
export const enabledRules = (tx: Read): Promise<ApprovalRule[]> =>
  approvalRules.list(tx, 'where enabled order by lower(name)', []);

export async function saveGroup(tx: Read, g: RaciGroup): Promise<void> {
  await tx.query(
    `update raci_groups set name = $2, description = $3, default_assignee = $4, risk_level = $5, enabled = $6,
       notify_channel = $7, updated_at = now() where id = $1`,
    [g.id, g.name, g.description, g.defaultAssignee, g.riskLevel, g.enabled, g.notifyChannel],
  );
}
/** What a group's messages are signed with, sealed; null: it is told nothing. */
export async function sealGroup(tx: Read, groupId: string, sealed: Buffer | null): Promise<void> {
  await tx.query('update raci_groups set secret_sealed = $2 where id = $1', [groupId, sealed]);
}
export async function groupSeal(tx: Read, groupId: string): Promise<Buffer | null> {
  const { rows } = await prepared<{ sealed: Buffer | null }>(
    tx,
    'select secret_sealed as sealed from raci_groups where id = $1',
    [groupId],
  );
  return rows[0]?.sealed ?? null;
}
export async function saveRule(tx: Read, r: ApprovalRule): Promise<void> {
  await tx.query(
    'update approval_rules set action = $2, risk_levels = $3, policy = $4, enabled = $5, updated_at = now() where id = $1',
    [r.id, r.action, r.riskLevels, r.policy, r.enabled],
  );
}
