import { skills as rows } from '../../../db/learning';
import { lockKey } from '../../../db/learning-queries';
import { saveSkill } from '../../../db/learning-writes';
import {
  assign, assignedTo, keepCandidate, listSkills, lockSkill, skillByNumber, skillVersion, skillVersions, skillsOfRun,
} from '../../../db/skills'; // prettier-ignore
import { tickets } from '../../../db/tickets';
import type { Read, Write } from '../../../db/tx';
import { Conflict, Invalid, NotFound } from '../../../domain/errors';
import type { Skill } from '../../../domain/learning';
import { assertPlaced, parametersOf, render } from '../../../domain/skill';
import type { skills } from '../../contracts/agentic/skills';
import type { Ctx, Handlers } from '../../kernel';
import { skillView } from './learning-views';
import { seenRun } from './seen';

const mostVersions = 100;

const none = (number: number): NotFound => new NotFound(`no skill ${number}`);
const taken = (name: string): Conflict => new Conflict(`name: there is a skill ${name} already`, { field: 'name' });

const views = async (tx: Read, found: readonly Skill[]) => {
  const names = await assignedTo(tx, found.map((s) => s.id)); // prettier-ignore
  return found.map((s) => skillView(s, names.get(s.id) ?? []));
};

const entry = (ctx: Ctx, what: string, s: Skill, body: Record<string, unknown> = {}) => ({
  kind: `skill.${what}`,
  actor: ctx.actor,
  subject: { kind: 'skill' as const, id: s.id },
  body: { skill_id: s.number, name: s.name, version: s.version, ...body },
});

/** @throws Invalid for a name that no agent has */
async function assignAgents(tx: Write, skill: Skill, names: readonly string[] | undefined): Promise<void> {
  if (names === undefined) return;
  const unknown = await assign(tx, skill.id, names);
  if (unknown.length)
    throw new Invalid(`assigned_agents: there is no agent ${unknown.join(', ')}`, { field: 'assigned_agents' });
}

/** The version that is asked for, as the skill would be with it. @throws NotFound */
async function atVersion(tx: Read, skill: Skill, version: number): Promise<Skill> {
  const found = await skillVersion(tx, skill.id, version);
  if (!found) throw new NotFound(`skill ${skill.number} has no version ${version}`);
  return { ...skill, ...found.content, version };
}

type Body = Parameters<Handlers<typeof skills>['updateSkill']>[0]['body'];

/** What a change makes of a skill: the next version in use, a candidate beside it, or another version in its place. */
async function changed(ctx: Ctx, tx: Write, standing: Skill, body: Body): Promise<{ next: Skill; what: string }> {
  const settings = {
    name: body.name ?? standing.name,
    category: body.category ?? standing.category,
    enabled: body.enabled ?? standing.enabled,
    assignedToAll: body.assigned_to_all ?? standing.assignedToAll,
  };
  const content = {
    description: body.description ?? standing.description,
    promptTemplate: body.prompt_template ?? standing.promptTemplate,
    parameters: body.parameters ?? standing.parameters,
  };
  const same = (['description', 'promptTemplate', 'parameters'] as const).every(
    (k) => JSON.stringify(content[k]) === JSON.stringify(standing[k]),
  );
  if (body.activate_version !== undefined) {
    if (!same || body.candidate)
      throw new Invalid('activate_version: takes a version into use as it is: change it before, or afterwards', {
        field: 'activate_version',
      });
    const next = await atVersion(tx, { ...standing, ...settings }, body.activate_version);
    const candidateVersion = next.version === standing.candidateVersion ? null : standing.candidateVersion;
    return { next: { ...next, candidateVersion }, what: 'activated' };
  }
  if (same) return { next: { ...standing, ...settings }, what: 'updated' };
  assertPlaced(content);
  const version = standing.latestVersion + 1;
  const made = { ...standing, ...content, version, latestVersion: version, changedBy: ctx.actor.name };
  if (!body.candidate) return { next: { ...made, ...settings }, what: 'updated' };
  await keepCandidate(tx, made);
  return {
    next: { ...standing, ...settings, latestVersion: version, candidateVersion: version },
    what: 'candidate_made',
  };
}

export const skillHandlers: Handlers<typeof skills> = {
  listSkills: ({ query }, ctx) =>
    ctx.read(async (tx) => {
      const found = await listSkills(tx, { category: query.category ?? null, enabledOnly: query.enabled_only });
      return { skills: await views(tx, found), total: found.length };
    }),

  getSkill: ({ params }, ctx) =>
    ctx.read(async (tx) => {
      const skill = await skillByNumber(tx, params.id);
      if (!skill) throw none(params.id);
      const [view] = await views(tx, [skill]);
      if (!view) throw none(params.id);
      const versions = (await skillVersions(tx, skill, mostVersions)).map(({ version, content, at }) => ({
        version,
        state: version === skill.version ? ('active' as const) : version === skill.candidateVersion ? ('candidate' as const) : ('earlier' as const),
        description: content.description,
        prompt_template: content.promptTemplate,
        parameters: parametersOf(content),
        changed_by: content.changedBy,
        changed_at: at,
      })); // prettier-ignore
      return { ...view, versions };
    }),

  createSkill: ({ body }, ctx) =>
    ctx.write(async (tx) => {
      const at = new Date().toISOString();
      const id = ctx.newId();
      const draft: Skill = {
        id, tenantId: ctx.tenantId, number: 0, name: body.name, description: body.description ?? '', category: body.category ?? 'general',
        promptTemplate: body.prompt_template, parameters: body.parameters ?? [], enabled: body.enabled ?? true,
        assignedToAll: body.assigned_to_all ?? false, version: 1, latestVersion: 1, candidateVersion: null, changedBy: ctx.actor.name,
        createdAt: at, updatedAt: at, deletedAt: null,
      }; // prettier-ignore
      assertPlaced(draft);
      await lockKey(tx, `skill/${draft.name}`);
      const created = await rows.insert(tx, draft);
      if (!created) {
        const standing = await rows.byId(tx, id);
        if (!standing) throw taken(body.name);
        return { id: standing.number, name: standing.name };
      }
      await assignAgents(tx, created, body.assigned_agents);
      tx.log(entry(ctx, 'created', created, { assigned_agents: body.assigned_agents ?? [] }));
      return { id: created.number, name: created.name };
    }),

  updateSkill: ({ params, body }, ctx) =>
    ctx.write(async (tx) => {
      const standing = await lockSkill(tx, params.id);
      if (!standing) throw none(params.id);
      const { next, what } = await changed(ctx, tx, standing, body);
      if (next.name !== standing.name) await lockKey(tx, `skill/${next.name}`);
      const [other] = await rows.list(tx, 'where name = $1 and id <> $2 and deleted_at is null', [next.name, next.id]);
      if (other) throw taken(next.name);
      const saved = await saveSkill(tx, next);
      await assignAgents(tx, saved, body.assigned_agents);
      tx.log(entry(ctx, what, saved, { changed: Object.keys(body), candidate_version: saved.candidateVersion }));
      return {
        status: 'updated' as const,
        id: saved.number,
        version: saved.version,
        candidate_version: saved.candidateVersion,
      };
    }),

  deleteSkill: ({ params }, ctx) =>
    ctx.write(async (tx) => {
      const standing = await lockSkill(tx, params.id);
      if (!standing) throw none(params.id);
      const gone = await saveSkill(tx, { ...standing, enabled: false, deletedAt: new Date().toISOString() });
      await assign(tx, gone.id, []);
      tx.log(entry(ctx, 'deleted', gone));
      return { status: 'deleted' as const, id: gone.number };
    }),

  renderSkill: ({ params, query, body }, ctx) =>
    ctx.read(async (tx) => {
      const standing = await skillByNumber(tx, params.id);
      if (!standing) throw none(params.id);
      const skill = query.version === undefined ? standing : await atVersion(tx, standing, query.version);
      return { name: skill.name, rendered: render(skill, body), version: skill.version };
    }),

  listAgentSkills: ({ params }, ctx) =>
    ctx.read(async (tx) => {
      const run = await seenRun(ctx, tx, params.agent_id);
      const ticket = await tickets.byId(tx, run.ticketId);
      const found = await skillsOfRun(tx, run, ticket);
      const shown = await views(tx, found.map((f) => f.skill)); // prettier-ignore
      return {
        skills: shown.map((s, i) => ({ ...s, matched_by: found[i]?.reason ?? ('all' as const) })),
        total: found.length,
      };
    }),
};
