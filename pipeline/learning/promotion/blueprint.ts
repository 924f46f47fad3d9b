import { v7 } from 'uuid';
import { z } from 'zod';
import { blueprints } from '../../../db/learning';
import { livingOf, lockKey } from '../../../db/learning-queries';
import { outcomeOf } from '../../../db/promotions';
import type { Write } from '../../../db/tx';
import { cut } from '../../../domain/evidence';
import type { Blueprint } from '../../../domain/learning';
import type { PartAction } from '../../../domain/promotion';
import { entry, lock, origin, sharedRow, type Lesson, type Made, type Part } from './part';
import { append, inWords, keyInWords, merge, news, withdraw, without } from './text';

const texts = ['description', 'blueprint', 'testPlan'] as const;
type Texts = Record<(typeof texts)[number], string>;

const Undo = z.object({
  id: z.uuid(),
  action: z.enum(['created', 'updated']),
  added: z.object({ description: z.string(), blueprint: z.string(), testPlan: z.string() }),
  skillIds: z.array(z.int()),
  guardrails: z.array(z.unknown()),
  /** The review that stood, and the version that this promotion made: nobody else changed it since when it stands there. */
  reviewed: z.object({ by: z.string().nullable(), at: z.string(), version: z.int() }).nullish(),
});
type Undo = z.output<typeof Undo>;

/** The lists that a policy keeps; whatever else somebody put there instead counts as none. */
const Policy = z.looseObject({
  postmortem_ids: z.array(z.int()).catch([]),
  guardrails: z.array(z.unknown()).catch([]),
});

/** What the lesson adds: what it is for, how it is done, how to tell that it works. */
function sections(lesson: Lesson): Texts {
  const { postmortem, ticket } = lesson;
  const heading = `## From ${origin(lesson)}`;
  const appliesTo = /^Applies to: .*$/m.exec(postmortem.workflowProposal)?.[0] ?? '';
  const about = ticket ? `${ticket.title}\n${cut(ticket.description, 500)}` : cut(postmortem.summary, 500);
  const under = (parts: string[]): string => {
    const told = parts.filter(Boolean);
    return told.length ? [heading, ...told].join('\n\n') : '';
  };
  return {
    description: under([about.trim(), appliesTo]),
    blueprint: under([
      postmortem.workflowProposal || postmortem.improvements || postmortem.summary || 'Nothing was proposed.',
      postmortem.guardrails.map((g) => `- ${inWords(g)}`).join('\n'),
    ]),
    testPlan: under([postmortem.testCases.map((t) => `- ${inWords(t)}`).join('\n')]),
  };
}

const skillIdsOf = ({ parts }: Lesson): number[] => outcomeOf(parts, 'skills')?.skills.map((s) => s.number) ?? [];

const policyOf = (lesson: Lesson, standing: Record<string, unknown>): Record<string, unknown> => {
  const known = Policy.parse(standing);
  return {
    ...known,
    source: known['source'] ?? 'postmortem',
    workflow_key: lesson.workflowKey,
    requires_human_review_before_activation: true,
    production_changes_require_approval: true,
    postmortem_ids: merge(known.postmortem_ids, [lesson.postmortem.number]),
    guardrails: merge(known.guardrails, lesson.postmortem.guardrails),
  };
};

const moved = async (tx: Write, next: Blueprint): Promise<Blueprint> => {
  const written = await blueprints.move(tx, {
    ...next,
    version: next.version + 1,
    updatedAt: new Date().toISOString(),
  });
  if (!written) throw new Error(`blueprint ${next.number} moved though its row was locked`);
  return written;
};

const made = (
  tx: Write,
  lesson: Lesson,
  blueprint: Blueprint,
  action: PartAction,
  undo: Omit<Undo, 'id' | 'action'>,
): Made => {
  const { id, number, version, status } = blueprint;
  const { workflowKey } = lesson;
  tx.log(
    entry(
      lesson,
      `blueprint.${action}`,
      { kind: 'blueprint', id },
      { workflow_id: number, workflow_key: workflowKey, version, status },
    ),
  );
  return { outcome: { part: 'blueprint', id, number, action, workflowKey, version }, undo: { id, action, ...undo } };
};

async function extend(tx: Write, lesson: Lesson, standing: Blueprint): Promise<Made> {
  const more = sections(lesson);
  const grown = texts.map((name) => ({
    name,
    ...(more[name] ? append(standing[name], more[name]) : { text: standing[name], added: '' }),
  }));
  const pick = (what: 'text' | 'added'): Texts => Object.fromEntries(grown.map((g) => [g.name, g[what]])) as Texts;
  const skillIds = skillIdsOf(lesson);
  // An active one stays active, a draft a draft: people move it on, promotions never do. What is new was not reviewed.
  const next = await moved(tx, {
    ...standing,
    ...pick('text'),
    skillIds: merge(standing.skillIds, skillIds),
    reviewedBy: null,
    reviewedAt: null,
    approvalPolicy: policyOf(lesson, standing.approvalPolicy),
  });
  return made(tx, lesson, next, 'updated', {
    added: pick('added'),
    skillIds: news(standing.skillIds, skillIds),
    guardrails: news(Policy.parse(standing.approvalPolicy).guardrails, lesson.postmortem.guardrails),
    reviewed:
      standing.reviewedAt === null ? null : { by: standing.reviewedBy, at: standing.reviewedAt, version: next.version },
  });
}

async function create(tx: Write, lesson: Lesson): Promise<Made | null> {
  const { ticket, request, workflowKey, postmortem } = lesson;
  const at = new Date().toISOString();
  const added = sections(lesson);
  const skillIds = skillIdsOf(lesson);
  const created = await blueprints.insert(tx, {
    ...added, id: v7(), tenantId: tx.tenantId, number: 0, name: `${keyInWords(workflowKey)} response workflow`, workflowKey, version: 1,
    status: request.workflowStatus, ticketClass: ticket?.ticketClass ?? null, triggerType: 'ticket', testResults: '', steps: [],
    approvalPolicy: policyOf(lesson, {}), skillIds, createdBy: request.by.name, reviewedBy: null, reviewedAt: null,
    reviewNotes: null, createdAt: at, updatedAt: at,
  }); // prettier-ignore
  return created && made(tx, lesson, created, 'created', { added, skillIds, guardrails: postmortem.guardrails });
}

/** One living blueprint a workflow key: a similar lesson adds to it and makes a new version. */
export const blueprintPart: Part = {
  make: (tx, lesson) =>
    sharedRow(
      async () => {
        await lockKey(tx, lesson.workflowKey);
        const found = await blueprints.list(tx, `where ${livingOf} for update`, [lesson.workflowKey]);
        return found[0] ?? null;
      },
      (standing) => extend(tx, lesson, standing),
      () => create(tx, lesson),
    ),

  async unmake(tx, lesson, undo) {
    const { id, action, added, skillIds, guardrails, reviewed } = Undo.parse(undo);
    await lock(tx, 'blueprints', id);
    const standing = await blueprints.byId(tx, id);
    if (!standing) return;
    const policy = Policy.parse(standing.approvalPolicy);
    const others = without(policy.postmortem_ids, [lesson.postmortem.number]);
    const next = await moved(
      tx,
      action === 'created' && others.length === 0
        ? { ...standing, status: 'superseded' }
        : {
            ...standing,
            description: withdraw(standing.description, added.description),
            blueprint: withdraw(standing.blueprint, added.blueprint),
            testPlan: withdraw(standing.testPlan, added.testPlan),
            skillIds: without(standing.skillIds, skillIds),
            ...(reviewed?.version === standing.version && { reviewedBy: reviewed.by, reviewedAt: reviewed.at }),
            approvalPolicy: { ...policy, postmortem_ids: others, guardrails: without(policy.guardrails, guardrails) },
          },
    );
    tx.log(
      entry(lesson, 'blueprint.withdrawn', { kind: 'blueprint', id }, {
        workflow_id: next.number, workflow_key: next.workflowKey, version: next.version, status: next.status,
      }),
    ); // prettier-ignore
  },
};
