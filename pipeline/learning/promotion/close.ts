import { z } from 'zod';
import { postmortems } from '../../../db/learning';
import { writeNote } from '../../../db/notes';
import { outcomeOf } from '../../../db/promotions';
import type { Write } from '../../../db/tx';
import { Conflict } from '../../../domain/errors';
import type { PartName } from '../../../domain/promotion';
import { entry, type Lesson, type Part } from './part';

const Undo = z.object({ markedPromoted: z.boolean() });

/** Another promotion of the same postmortem may have taken back what this one only found. */
function assertComplete({ request, parts }: Lesson): void {
  const wanted: [PartName, boolean][] = [
    ['article', request.createKnowledge],
    ['skills', request.createSkills],
    ['blueprint', request.createWorkflow],
  ];
  const missing = wanted.filter(([part, asked]) => asked && !outcomeOf(parts, part)).map(([part]) => part);
  if (missing.length) throw new Conflict(`not there any more: ${missing.join(', ')}; promote again`, { missing });
}

const assetsOf = ({ parts, workflowKey }: Lesson) => {
  const article = outcomeOf(parts, 'article');
  const blueprint = outcomeOf(parts, 'blueprint');
  const skills = outcomeOf(parts, 'skills')?.skills ?? [];
  return {
    workflow_key: blueprint?.workflowKey ?? article?.workflowKey ?? workflowKey,
    knowledge_article_id: article?.number ?? null,
    knowledge_action: article?.action ?? 'skipped',
    workflow_id: blueprint?.number ?? null,
    workflow_action: blueprint?.action ?? 'skipped',
    workflow_version: blueprint?.version ?? null,
    skill_ids: skills.map((s) => s.number),
  };
};

const noteOf = (lesson: Lesson): string => {
  const assets = assetsOf(lesson);
  const made = [
    ...(assets.knowledge_article_id
      ? [`knowledge article ${assets.knowledge_article_id} ${assets.knowledge_action}`]
      : []),
    ...(assets.workflow_id
      ? [
          `workflow ${assets.workflow_id} (${assets.workflow_key}) ${assets.workflow_action}, version ${assets.workflow_version}`,
        ]
      : []),
    ...(assets.skill_ids.length ? [`candidate skills ${assets.skill_ids.join(', ')}`] : []),
  ];
  const who = `Postmortem ${lesson.postmortem.number} promoted by ${lesson.request.by.name}`;
  return `${who}: ${made.join('; ') || 'nothing was asked for'}.`;
};

const move = async (tx: Write, lesson: Lesson, status: 'approved' | 'promoted'): Promise<number> => {
  const { postmortem } = lesson;
  const next = { ...postmortem, status, updatedAt: new Date().toISOString(), version: postmortem.version + 1 };
  if (!(await postmortems.move(tx, next)))
    throw new Conflict('the postmortem was changed meanwhile', { status: postmortem.status });
  return next.version;
};

/** Says on the ticket what came of the postmortem, and that it is done with. */
export const closePart: Part = {
  async make(tx, lesson) {
    const { postmortem, ticket, request } = lesson;
    assertComplete(lesson);
    const marks = request.markPromoted && postmortem.status === 'approved';
    const version = marks ? await move(tx, lesson, 'promoted') : postmortem.version;
    const status = marks ? 'promoted' : postmortem.status;
    if (ticket) {
      await writeNote(tx, {
        ticketId: ticket.id,
        key: `postmortem:${postmortem.id}:promotion`,
        source: 'postmortem',
        author: request.by.name,
        actor: request.by,
        body: noteOf(lesson),
        externalRef: `postmortem:${postmortem.number}:promotion`,
      });
    }
    tx.log({
      ...entry(
        lesson,
        'postmortem.promoted',
        { kind: 'postmortem', id: postmortem.id },
        { ...assetsOf(lesson), status },
      ),
      version,
    });
    return {
      outcome: { part: 'close', postmortem: postmortem.number, ticket: ticket?.number ?? null, status },
      undo: { markedPromoted: marks },
    };
  },

  async unmake(tx, lesson, undo) {
    const { markedPromoted } = Undo.parse(undo);
    const { postmortem } = lesson;
    const back = markedPromoted && postmortem.status === 'promoted';
    const version = back ? await move(tx, lesson, 'approved') : postmortem.version;
    tx.log({
      ...entry(lesson, 'postmortem.promotion_withdrawn', { kind: 'postmortem', id: postmortem.id }, {}),
      version,
    });
  },
};
