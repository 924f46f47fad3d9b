import { z } from 'zod';
import { operation, raw } from '../../operation';
import { byId, intId, name } from '../shapes';

const slug = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'small letters, digits and hyphens, at most 63');
/** One part of the way to a file: nothing hidden, nothing that leads up. */
const segment = z.string().regex(/^[^./\\\p{Cc}][^/\\\p{Cc}]*$/u);

export const publishing = {
  deployStaticSite: operation({
    route: 'POST /api/agents/:agent_id/deploy/static-site',
    tag: 'Tickets',
    summary:
      "Publish a static tree from the agent's work folder, as an approved change of the same agent and ticket allows",
    access: 'deployments:write',
    params: byId('agent_id'),
    body: z.object({
      change_id: intId,
      source_dir: name(500).default('.').describe("Below the agent's work folder; holds index.html"),
      slug: slug.optional(),
      public_base_url: z.url({ protocol: /^https?$/ }).optional(),
    }),
    output: z.object({
      status: z.literal('deployed'),
      change_id: z.int(),
      note_id: z.int(),
      deployment: z.object({
        slug: z.string(),
        source_dir: z.string(),
        relative_url: z.string(),
        public_url: z.string(),
        file_count: z.int(),
        total_bytes: z.int(),
        digest: z.string(),
      }),
    }),
    errors: ['NotFound', 'Forbidden', 'Conflict', 'TooLarge'],
  }),
  published: operation({
    route: 'GET /published/:slug/',
    aliases: ['/published/:slug/*path'],
    tag: 'Tickets',
    summary: 'A published site: its index.html, and the files below it',
    access: 'public',
    params: z.object({ slug, path: z.array(segment).min(1).optional() }),
    output: raw('text/html'),
    errors: ['NotFound'],
  }),
};
