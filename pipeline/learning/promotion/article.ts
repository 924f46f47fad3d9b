import { v7 } from 'uuid';
import { z } from 'zod';
import { articles } from '../../../db/learning';
import { saveArticle } from '../../../db/learning-writes';
import type { Write } from '../../../db/tx';
import type { Article } from '../../../domain/learning';
import { entry, lock, origin, sharedRow, type Lesson, type Made, type Part } from './part';
import { append, inWords, keyInWords, merge, news, withdraw, without } from './text';

const Undo = z.object({
  id: z.uuid(),
  action: z.enum(['created', 'updated']),
  added: z.string(),
  tags: z.array(z.string()),
});

function section(lesson: Lesson): string {
  const { postmortem } = lesson;
  const parts = [
    ['', postmortem.summary],
    ['What went well', postmortem.wentWell],
    ['What to improve', postmortem.improvements],
    ['Guardrails', postmortem.guardrails.map((g) => `- ${inWords(g)}`).join('\n')],
    ['Documentation', postmortem.documentation],
  ].filter(([, text]) => text);
  const told = parts.map(([title, text]) => (title ? `### ${title}\n\n${text}` : text));
  return [`## Postmortem Knowledge: ${origin(lesson)}`, ...told].join('\n\n');
}

const tagsOf = ({ postmortem, ticket, workflowKey }: Lesson): string[] => [
  'postmortem',
  `postmortem:${postmortem.number}`,
  'workflow',
  `workflow:${workflowKey}`,
  ...(ticket ? [`ticket:${ticket.number}`] : []),
];

const write = (tx: Write, { request }: Lesson, article: Article): Promise<Article> =>
  saveArticle(tx, { ...article, changedBy: request.by.name });

const made = (tx: Write, lesson: Lesson, article: Article, undo: Omit<z.output<typeof Undo>, 'id'>): Made => {
  const { workflowKey } = lesson;
  tx.log(
    entry(
      lesson,
      `article.${undo.action}`,
      { kind: 'article', id: article.id },
      { article_id: article.number, workflow_key: workflowKey },
    ),
  );
  return {
    outcome: { part: 'article', id: article.id, number: article.number, action: undo.action, workflowKey },
    undo: { id: article.id, ...undo },
  };
};

/** One article a workflow key, which grows with every postmortem that teaches the same. */
export const articlePart: Part = {
  make(tx, lesson) {
    const ref = `workflow:${lesson.workflowKey}:knowledge`;
    const text = section(lesson);
    const tags = tagsOf(lesson);
    return sharedRow(
      async () => (await articles.list(tx, 'where external_ref = $1 for update', [ref]))[0] ?? null,
      async (standing) => {
        const { text: body, added } = append(standing.body, text);
        const next = await write(tx, lesson, { ...standing, body, tags: merge(standing.tags, tags) });
        return made(tx, lesson, next, { action: 'updated', added, tags: news(standing.tags, tags) });
      },
      async () => {
        const at = new Date().toISOString();
        const created = await articles.insert(tx, {
          id: v7(), tenantId: tx.tenantId, number: 0, title: `${keyInWords(lesson.workflowKey)}: postmortem knowledge`, body: text,
          category: 'postmortem', source: 'postmortem', externalRef: ref, tags, enabled: true, version: 1,
          changedBy: lesson.request.by.name, createdAt: at, updatedAt: at,
        }); // prettier-ignore
        const own = tags.filter((tag) => /^(postmortem|ticket):/.test(tag));
        return created && made(tx, lesson, created, { action: 'created', added: text, tags: own });
      },
    );
  },

  async unmake(tx, lesson, undo) {
    const { id, action, added, tags } = Undo.parse(undo);
    await lock(tx, 'articles', id);
    const standing = await articles.byId(tx, id);
    if (!standing) return;
    const body = withdraw(standing.body, added);
    if (action === 'created' && body === '') {
      // Nobody else's words are in it: it steps aside, and its reference is free for a promotion that lasts.
      await write(tx, lesson, { ...standing, enabled: false, externalRef: null });
    } else {
      await write(tx, lesson, { ...standing, body, tags: without(standing.tags, tags) });
    }
    tx.log(entry(lesson, 'article.withdrawn', { kind: 'article', id }, { article_id: standing.number }));
  },
};
