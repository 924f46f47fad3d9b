import { z } from 'zod';
import { InstantSchema } from '../domain/common.schema';
import type { Article } from '../domain/learning';
import type { SearchQuery } from '../domain/search-query';
import { articles } from './learning';
import type { Read } from './tx';

export interface ArticleFilter {
  search: SearchQuery | null;
  category: string | null;
  enabledOnly: boolean;
}
export interface Found {
  article: Article;
  /** How well it fits, and where: null when nothing was looked for. */
  rank: number | null;
  snippet: string | null;
}

/** Longer texts are shown by their beginning. */
const snippetChars = 20_000;
const snippet = `ts_headline('simple', left(body, ${snippetChars}), wanted, 'MaxFragments=2, MaxWords=18, MinWords=6, StartSel=**, StopSel=**')`;
const narrowed = `join (select distinct number as holds from article_terms where term = any (
    array(select lexeme from unnest(to_tsvector('simple', $4))))) held on held.holds = articles.number`;

/** Those that fit best first; without a search the newest. */
export async function listArticles(
  tx: Read,
  f: ArticleFilter,
  limit: number,
  offset: number,
): Promise<{ found: Found[]; total: number }> {
  const { search } = f;
  const values: unknown[] = [f.category, f.enabledOnly];
  let from = 'articles';
  let where = '($1::text is null or category = $1) and (enabled or not $2)';
  let [rank, order] = ['null::real', 'number desc'];
  if (search) {
    values.push(search.query);
    if (search.words !== null) values.push(search.words);
    from += ` ${search.words === null ? '' : narrowed} cross join websearch_to_tsquery('simple', $3) wanted`;
    where += ' and search @@ wanted';
    [rank, order] = ['ts_rank_cd(search, wanted)', 'rank desc, number desc'];
  }
  const { rows: counted } = await tx.query<{ n: number }>(
    `select count(*)::int as n from ${from} where ${where}`,
    values,
  );
  const page = [...values, limit, offset];
  // The texts of a page alone are read for their snippets.
  const { rows } = await tx.query<Record<string, unknown> & { rank: number | null; snippet: string | null }>(
    `select page.*, ${search ? snippet : 'null'} as snippet from (
       select ${articles.columns()}, ${rank} as rank ${search ? ', wanted' : ''} from ${from} where ${where}
       order by ${order} limit $${page.length - 1} offset $${page.length}) page order by ${order}`,
    page,
  );
  const found = rows.map((r) => ({ article: articles.parse(r), rank: r.rank, snippet: r.snippet }));
  return { found, total: counted[0]?.n ?? 0 };
}

/** The article, held until the transaction ends. */
export async function lockArticle(tx: Read, number: number): Promise<Article | null> {
  const [found] = await articles.list(tx, 'where number = $1 for no key update', [number]);
  return found ?? null;
}

const Version = z.object({
  version: z.int(),
  title: z.string(),
  body: z.string(),
  category: z.string().nullable(),
  tags: z.array(z.string()),
  enabled: z.boolean(),
  changed_by: z.string(),
  changed_at: InstantSchema,
});
export type ArticleVersion = z.output<typeof Version>;

/** What an article said before, the latest first; the version that stands is the article itself. */
export async function articleHistory(tx: Read, article: Article, limit: number): Promise<ArticleVersion[]> {
  const { rows } = await tx.query(
    `select version, content ->> 'title' as title, content ->> 'body' as body, content ->> 'category' as category,
       content -> 'tags' as tags, content -> 'enabled' as enabled, content ->> 'changed_by' as changed_by, recorded_at as changed_at
     from article_versions where article_id = $1 and version < $2 order by version desc limit $3`,
    [article.id, article.version, limit],
  );
  return rows.map((r) => Version.parse(r));
}
