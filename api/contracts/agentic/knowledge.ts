import { z } from 'zod';
import { operation } from '../../operation';
import { byId, flag, Instant, name, page, whole } from '../shapes';

const tag = 'Knowledge';

export const ArticleShape = z.object({
  id: z.int(),
  title: z.string(),
  body: z.string(),
  category: z.string().nullable(),
  source: z.string(),
  external_ref: z.string().nullable(),
  tags: z.array(z.string()),
  enabled: z.boolean(),
  version: z.int(),
  changed_by: z.string().describe('Who wrote this version'),
  created_at: Instant,
  updated_at: Instant,
});

const Earlier = ArticleShape.pick({
  version: true,
  title: true,
  body: true,
  category: true,
  tags: true,
  enabled: true,
  changed_by: true,
}).extend({ changed_at: Instant });

const title = name(300);
const body = z.string().trim().min(1).max(100_000);
const rest = {
  category: name(100).nullish(),
  tags: z.array(name(100)).max(50).optional(),
  enabled: flag.optional(),
};

export const knowledge = {
  listKnowledge: operation({
    route: 'GET /api/knowledge',
    tag,
    summary: 'List knowledge articles: those that fit the words of `q` best first, else the newest',
    access: 'knowledge:read',
    query: page.extend({
      q: name(500)
        .optional()
        .describe('All of these words; "a phrase"; this or that; -not this. Words of the title count most'),
      category: name(100).optional(),
      enabled_only: flag.default(true),
    }),
    output: z.object({
      articles: z.array(
        ArticleShape.extend({
          rank: z.number().nullable().describe('How well it fits `q`'),
          snippet: z.string().nullable().describe('Where it fits: the words between ** and **'),
        }),
      ),
      total: z.int(),
    }),
  }),
  getKnowledge: operation({
    route: 'GET /api/knowledge/:id',
    tag,
    summary: 'One knowledge article, with its earlier versions',
    access: 'knowledge:read',
    params: byId('id'),
    query: z.object({ max_history: whole(0, 100).optional().describe('Earlier versions to show; 20 unless given') }),
    output: ArticleShape.extend({ history: z.array(Earlier) }),
  }),
  createKnowledge: operation({
    route: 'POST /api/knowledge',
    tag,
    summary: 'Write a knowledge article',
    access: 'knowledge:write',
    body: z.object({
      title,
      body,
      ...rest,
      source: name(50).optional().describe('`dashboard` unless given'),
      external_ref: name(300).optional().describe('One article a reference'),
    }),
    output: z.object({ id: z.int(), status: z.literal('created') }),
    errors: ['Conflict'],
  }),
  updateKnowledge: operation({
    route: 'PUT /api/knowledge/:id',
    tag,
    summary: 'Change a knowledge article; what it said before is kept',
    access: 'knowledge:write',
    params: byId('id'),
    body: z.object({
      title: title.optional(),
      body: body.optional(),
      ...rest,
      version: z.int().optional().describe('The version that was read: 409 when another stands'),
    }),
    output: z.object({ status: z.literal('updated'), id: z.int(), version: z.int() }),
    errors: ['NotFound', 'Conflict'],
  }),
};
