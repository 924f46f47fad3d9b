import { z } from 'zod';
import { InstantSchema } from '../domain/common.schema';
import type { Skill } from '../domain/learning';
import type { Run } from '../domain/run';
import type { Ticket } from '../domain/ticket';
import { workflowKey } from '../domain/workflow-key';
import { skills } from './learning';
import type { Read } from './tx';

/** Of a version, what may differ between two. */
const Content = z
  .object({
    description: z.string(),
    prompt_template: z.string(),
    parameters: z.array(z.unknown()).default([]),
    changed_by: z.string().default(''),
  })
  .transform((c) => ({
    description: c.description,
    promptTemplate: c.prompt_template,
    parameters: c.parameters as Skill['parameters'],
    changedBy: c.changed_by,
  }));
const Version = z.object({ version: z.int(), content: Content, at: InstantSchema });
export type SkillVersion = z.output<typeof Version>;

const versionsWhere = (tail: string): string =>
  `select version, content, recorded_at as at from skill_versions ${tail}`;

/** The latest versions that a skill had, newest first, the candidate and the one in use among them. */
export async function skillVersions(
  tx: Read,
  { id, version, candidateVersion, latestVersion }: Skill,
  latest: number,
): Promise<SkillVersion[]> {
  const { rows } = await tx.query(
    versionsWhere('where skill_id = $1 and (version > $2 or version = any($3)) order by version desc'),
    [id, latestVersion - latest, [version, candidateVersion ?? version]],
  );
  return rows.map((r) => Version.parse(r));
}

export async function skillVersion(tx: Read, skillId: string, version: number): Promise<SkillVersion | null> {
  const { rows } = await tx.query(versionsWhere('where skill_id = $1 and version = $2'), [skillId, version]);
  return rows[0] ? Version.parse(rows[0]) : null;
}

/** A version beside the one in use. */
export async function keepCandidate(tx: Read, skill: Skill): Promise<void> {
  await tx.query('insert into skill_versions (tenant_id, skill_id, version, content) values ($1, $2, $3, $4)', [
    tx.tenantId,
    skill.id,
    skill.version,
    skills.json(skill),
  ]);
}

/** The names of the agents that a skill is assigned to, by skill. */
export async function assignedTo(tx: Read, skillIds: readonly string[]): Promise<Map<string, string[]>> {
  const { rows } = await tx.query<{ id: string; names: string[] }>(
    `select s.skill_id as id, array_agg(a.name order by a.name) as names
     from skill_assignments s join agents a on a.id = s.agent_id and a.deleted_at is null
     where s.skill_id = any($1) group by s.skill_id`,
    [skillIds],
  );
  return new Map(rows.map((r) => [r.id, r.names]));
}

/** Assigns a skill to the agents of these names, and to no others; answers the names that no agent has. */
export async function assign(tx: Read, skillId: string, names: readonly string[]): Promise<string[]> {
  const { rows } = await tx.query<{ id: string; name: string }>(
    'select id, name from agents where name = any($1) and deleted_at is null',
    [names],
  );
  const known = new Set(rows.map((r) => r.name));
  const unknown = names.filter((n) => !known.has(n));
  if (unknown.length) return unknown;
  await tx.query('delete from skill_assignments where skill_id = $1 and not agent_id = any($2)', [
    skillId,
    rows.map((r) => r.id),
  ]);
  await tx.query(
    `insert into skill_assignments (tenant_id, skill_id, agent_id) select $1, $2, unnest($3::uuid[]) on conflict do nothing`,
    [tx.tenantId, skillId, rows.map((r) => r.id)],
  );
  return [];
}

export interface SkillFilter {
  category: string | null;
  enabledOnly: boolean;
}

export const listSkills = (tx: Read, f: SkillFilter): Promise<Skill[]> =>
  skills.list(
    tx,
    `where deleted_at is null and ($1::text is null or category = $1) and (enabled or not $2) order by number`,
    [f.category, f.enabledOnly],
  );

export async function skillByNumber(tx: Read, number: number): Promise<Skill | null> {
  const [found] = await skills.list(tx, 'where number = $1 and deleted_at is null', [number]);
  return found ?? null;
}

/** The same, held until the transaction ends. */
export async function lockSkill(tx: Read, number: number): Promise<Skill | null> {
  const [found] = await skills.list(tx, 'where number = $1 and deleted_at is null for no key update', [number]);
  return found ?? null;
}

/** Why a skill is an agent's. */
export type Reason = 'all' | 'assigned' | 'profile' | 'workflow';

/**
 * The skills of a run: those of everybody, those assigned to its agent, those that its runtime profile names, and those of the
 * active workflow of its ticket's class or key. What nobody reviewed, or gave to anybody, reaches none of them.
 */
export async function skillsOfRun(
  tx: Read,
  run: Pick<Run, 'agentId' | 'runtime'>,
  ticket: Pick<Ticket, 'title' | 'description' | 'ticketClass'> | null,
): Promise<{ skill: Skill; reason: Reason }[]> {
  const keys = ticket
    ? [workflowKey({ explicit: null, ticketClass: ticket.ticketClass, texts: [ticket.title, ticket.description] })]
    : [];
  const { rows } = await tx.query<Record<string, unknown> & { reason: Reason }>(
    `select ${skills.columns()}, case when assigned_to_all then 'all' when mine.skill_id is not null then 'assigned'
       when name = any($3) then 'profile' else 'workflow' end as reason
     from skills left join skill_assignments mine on mine.skill_id = skills.id and mine.agent_id = $1
     where enabled and deleted_at is null and (assigned_to_all or mine.skill_id is not null or name = any($3) or number in (
       select unnest(skill_ids) from blueprints where status = 'active' and reviewed_at is not null and workflow_key = any($2)))
     order by number`,
    [run.agentId, keys, run.runtime?.skills ?? []],
  );
  return rows.map((r) => ({ skill: skills.parse(r), reason: r.reason }));
}
