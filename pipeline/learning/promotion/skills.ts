import { v7 } from 'uuid';
import { z } from 'zod';
import { skills } from '../../../db/learning';
import { saveSkill } from '../../../db/learning-writes';
import type { Write } from '../../../db/tx';
import type { Skill } from '../../../domain/learning';
import type { PartAction } from '../../../domain/promotion';
import { slug } from '../../../domain/workflow-key';
import { entry, lock, sharedRow, type Lesson, type Part } from './part';
import { inWords } from './text';

const text = z.string().trim().min(1).nullish().catch(null);
const Proposal = z.object({
  name: text,
  title: text,
  description: text,
  prompt_template: text,
  prompt: text,
  template: text,
});
const Undo = z.array(
  z.object({
    id: z.uuid(),
    /** What stood before; null when the skill is new. */
    before: z.object({ description: z.string(), promptTemplate: z.string() }).nullable(),
  }),
);

type Draft = Pick<Skill, 'name' | 'description' | 'promptTemplate'>;

/** A proposal as its writer put it: a text, or an object that names some of its parts. */
function draftOf(proposal: unknown): Draft {
  const words = inWords(proposal);
  const said = Proposal.safeParse(proposal).data;
  const description = said?.description ?? words;
  return {
    name: said?.name ?? said?.title ?? words.split(/\s+/).slice(0, 6).join(' '),
    description: description.slice(0, 1_000).toWellFormed(),
    promptTemplate: said?.prompt_template ?? said?.prompt ?? said?.template ?? description,
  };
}

/** Candidates: named after the postmortem, enabled, and assigned to nobody until somebody does. */
function draftsOf({ postmortem }: Lesson): Draft[] {
  const taken = new Set<string>();
  return postmortem.skillProposals.map((proposal) => {
    const draft = draftOf(proposal);
    const base = `postmortem-${postmortem.number}-${slug(draft.name).slice(0, 80) || 'skill'}`;
    let name = base;
    for (let n = 2; taken.has(name); n += 1) name = `${base}-${n}`;
    taken.add(name);
    return { ...draft, name };
  });
}

const write = (tx: Write, { request }: Lesson, skill: Skill, to: Omit<Draft, 'name'>): Promise<Skill> => {
  const latestVersion = skill.latestVersion + 1;
  return saveSkill(tx, { ...skill, ...to, version: latestVersion, latestVersion, changedBy: request.by.name });
};

const made = (
  tx: Write,
  lesson: Lesson,
  skill: Skill,
  action: PartAction,
  before: z.output<typeof Undo>[number]['before'],
) => {
  const { id, number, name } = skill;
  tx.log(entry(lesson, `skill.${action}`, { kind: 'skill', id }, { skill_id: number, name }));
  return { skill: { id, number, name, action }, undo: { id, before } };
};

const save = (tx: Write, lesson: Lesson, draft: Draft) =>
  sharedRow(
    async () => (await skills.list(tx, 'where name = $1 and deleted_at is null for update', [draft.name]))[0] ?? null,
    async (standing) => {
      await write(tx, lesson, standing, draft);
      const { description, promptTemplate } = standing;
      return made(tx, lesson, standing, 'updated', { description, promptTemplate });
    },
    async () => {
      const at = new Date().toISOString();
      const created = await skills.insert(tx, {
        ...draft, id: v7(), tenantId: tx.tenantId, number: 0, category: 'postmortem', parameters: [], enabled: true,
        assignedToAll: false, version: 1, latestVersion: 1, candidateVersion: null, changedBy: lesson.request.by.name, createdAt: at,
        updatedAt: at, deletedAt: null,
      }); // prettier-ignore
      return created && made(tx, lesson, created, 'created', null);
    },
  );

export const skillsPart: Part = {
  async make(tx, lesson) {
    const saved = [];
    for (const draft of draftsOf(lesson)) saved.push(await save(tx, lesson, draft));
    return { outcome: { part: 'skills', skills: saved.map((s) => s.skill) }, undo: saved.map((s) => s.undo) };
  },

  async unmake(tx, lesson, undo) {
    for (const { id, before } of Undo.parse(undo)) {
      await lock(tx, 'skills', id);
      const standing = await skills.byId(tx, id);
      if (!standing) continue;
      if (before) await write(tx, lesson, standing, before);
      else await tx.query('delete from skills where id = $1', [id]);
      tx.log(
        entry(lesson, 'skill.withdrawn', { kind: 'skill', id }, { skill_id: standing.number, name: standing.name }),
      );
    }
  },
};
