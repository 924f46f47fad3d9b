import { articles } from '../../../db/learning';
import { articleHistory, listArticles, lockArticle } from '../../../db/knowledge';
import { saveArticle } from '../../../db/learning-writes';
import { Conflict, NotFound } from '../../../domain/errors';
import type { Article } from '../../../domain/learning';
import { searchQuery } from '../../../domain/search-query';
import type { knowledge } from '../../contracts/agentic/knowledge';
import type { Ctx, Handlers } from '../../kernel';
import { articleView } from './learning-views';

const usualHistory = 20;

const entry = (ctx: Ctx, what: 'created' | 'updated', a: Article, changed: string[]) => ({
  kind: `article.${what}`,
  actor: ctx.actor,
  subject: { kind: 'article' as const, id: a.id },
  body: { article_id: a.number, version: a.version, changed },
});

export const knowledgeHandlers: Handlers<typeof knowledge> = {
  listKnowledge: async ({ query }, ctx) => {
    const filter = {
      search: query.q === undefined ? null : searchQuery(query.q),
      category: query.category ?? null,
      enabledOnly: query.enabled_only,
    };
    const { found, total } = await ctx.read((tx) => listArticles(tx, filter, query.limit, query.offset));
    return { articles: found.map((f) => ({ ...articleView(f.article), rank: f.rank, snippet: f.snippet })), total };
  },

  getKnowledge: ({ params, query }, ctx) =>
    ctx.read(async (tx) => {
      const found = await articles.byNumber(tx, params.id);
      if (!found) throw new NotFound(`no knowledge article ${params.id}`);
      return {
        ...articleView(found),
        history: await articleHistory(tx, found, query.max_history ?? usualHistory),
      };
    }),

  createKnowledge: ({ body }, ctx) =>
    ctx.write(async (tx) => {
      const at = new Date().toISOString();
      const id = ctx.newId();
      const created = await articles.insert(tx, {
        id, tenantId: ctx.tenantId, number: 0, title: body.title, body: body.body, category: body.category ?? null,
        source: body.source ?? 'dashboard', externalRef: body.external_ref ?? null, tags: body.tags ?? [],
        enabled: body.enabled ?? true, version: 1, changedBy: ctx.actor.name, createdAt: at, updatedAt: at,
      }); // prettier-ignore
      if (created) tx.log(entry(ctx, 'created', created, []));
      const stands = created ?? (await articles.byId(tx, id));
      if (stands) return { id: stands.number, status: 'created' as const };
      const [other] = await articles.list(tx, 'where external_ref = $1', [body.external_ref]);
      throw new Conflict(`external_ref: article ${other?.number} has it: change that one`, {
        field: 'external_ref',
        id: other?.number ?? null,
      });
    }),

  updateKnowledge: ({ params, body }, ctx) =>
    ctx.write(async (tx) => {
      const standing = await lockArticle(tx, params.id);
      if (!standing) throw new NotFound(`no knowledge article ${params.id}`);
      const { version: read, ...given } = body;
      if (read !== undefined && read !== standing.version)
        throw new Conflict(`version: ${standing.version} stands: read it again`, {
          field: 'version',
          version: standing.version,
        });
      const wanted = {
        ...standing,
        title: given.title ?? standing.title,
        body: given.body ?? standing.body,
        category: given.category === undefined ? standing.category : given.category,
        tags: given.tags ?? standing.tags,
        enabled: given.enabled ?? standing.enabled,
      };
      const changed = Object.keys(given).filter(
        (k) => JSON.stringify(wanted[k as keyof Article]) !== JSON.stringify(standing[k as keyof Article]),
      );
      if (changed.length === 0) return { status: 'updated' as const, id: standing.number, version: standing.version };
      const next = await saveArticle(tx, { ...wanted, changedBy: ctx.actor.name });
      tx.log(entry(ctx, 'updated', next, changed));
      return { status: 'updated' as const, id: next.number, version: next.version };
    }),
};
