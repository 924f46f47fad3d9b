import { articles, blueprints, skills } from '../../../db/learning';
import { insertPart } from '../../../db/promotions';
import type { Write } from '../../../db/tx';
import { assertPromotable } from '../../../domain/learning';
import type { PartAction, PartName, PartOutcome } from '../../../domain/promotion';
import { learn, makers } from './lesson';
import type { Lesson, Made, PromotionRequest } from './part';

/** What a promotion would do to one thing. */
export interface Change {
  asset: 'knowledge_article' | 'skill' | 'workflow' | 'postmortem';
  /** `unchanged`: an earlier promotion made it. */
  action: PartAction | 'unchanged';
  /** Null: it would be new. */
  id: number | null;
  name: string;
  /** That it would have then; null where versions mean nothing. */
  version: number | null;
  /** Texts that it would be given or gain, by field. */
  adds: Record<string, string>;
}
export interface Preview {
  changes: Change[];
  workflowKey: string;
}

/** Carries the answer out of a transaction that must not commit. */
class Seen extends Error {
  constructor(readonly preview: Preview) {
    super('only looked at');
  }
}

const texts = (from: unknown): Record<string, string> =>
  Object.fromEntries(
    Object.entries((from ?? {}) as Record<string, unknown>).filter(
      (e): e is [string, string] => typeof e[1] === 'string' && e[1] !== '',
    ),
  );

/** What was made, as it stands inside of the transaction. */
async function changesOf(
  tx: Write,
  { outcome, undo }: { outcome: PartOutcome; undo: unknown },
  known: boolean,
): Promise<Change[]> {
  const number = (n: number, action: PartAction): number | null => (known || action === 'updated' ? n : null);
  const does = (action: PartAction): Change['action'] => (known ? 'unchanged' : action);
  const added = (undo as { added?: unknown } | null)?.added;
  switch (outcome.part) {
    case 'article': {
      const row = await articles.byId(tx, outcome.id);
      const adds = known ? {} : texts({ body: added });
      return [{ asset: 'knowledge_article', action: does(outcome.action), id: number(outcome.number, outcome.action), name: row?.title ?? '', version: row?.version ?? null, adds }]; // prettier-ignore
    }
    case 'blueprint': {
      const row = await blueprints.byId(tx, outcome.id);
      const { testPlan, ...more } = known ? {} : texts(added);
      const adds = { ...more, ...(testPlan !== undefined && { test_plan: testPlan }) };
      return [{ asset: 'workflow', action: does(outcome.action), id: number(outcome.number, outcome.action), name: row?.name ?? '', version: row?.version ?? null, adds }]; // prettier-ignore
    }
    case 'skills': {
      const made: Change[] = [];
      for (const s of outcome.skills) {
        const row = await skills.byId(tx, s.id);
        const adds = known ? {} : texts({ description: row?.description, prompt_template: row?.promptTemplate });
        made.push({ asset: 'skill', action: does(s.action), id: number(s.number, s.action), name: s.name, version: row?.version ?? null, adds }); // prettier-ignore
      }
      return made;
    }
    case 'close':
      return [
        {
          asset: 'postmortem',
          action: does('updated'),
          id: outcome.postmortem,
          name: outcome.status,
          version: null,
          adds: {},
        },
      ];
  }
}

async function makeOne(tx: Write, lesson: Lesson, part: PartName): Promise<Change[]> {
  const known = lesson.parts.find((p) => p.part === part);
  const closes = part === 'close' && lesson.request.markPromoted && lesson.postmortem.status === 'approved';
  if (known && !closes) return changesOf(tx, known, true);
  const made: Made = await makers[part].make(tx, lesson);
  if (!known) await insertPart(tx, lesson.postmortem.id, { part, ...made, promotion: 'preview' });
  return changesOf(tx, made, false);
}

/**
 * What a promotion would change: its parts are made as it would make them, in one transaction that is taken back, so that
 * nothing is written and nothing is told another way than it would be done. @throws Conflict, NotFound
 */
export async function preview(
  write: (work: (tx: Write) => Promise<never>) => Promise<never>,
  request: PromotionRequest,
  parts: readonly PartName[],
): Promise<Preview> {
  try {
    return await write(async (tx) => {
      const changes: Change[] = [];
      let lesson = await learn(tx, request);
      assertPromotable(lesson.postmortem.status);
      for (const part of parts) {
        changes.push(...(await makeOne(tx, lesson, part)));
        lesson = await learn(tx, request);
      }
      throw new Seen({ changes, workflowKey: lesson.workflowKey });
    });
  } catch (e) {
    if (e instanceof Seen) return e.preview;
    throw e;
  }
}
