import { z } from 'zod';
import { operation, raw } from '../../operation';
import { byId, Instant, intId, name, page, prose } from '../shapes';

const slug = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'small letters, digits and hyphens, at most 63');
/** One part of the way to a file: nothing hidden, nothing that leads up. */
const segment = z.string().regex(/^[^./\\\p{Cc}][^/\\\p{Cc}]*$/u);

const noControl = /^[^\p{Cc}]+$/u;
const givenFile = z.object({
  path: z.string().max(300).regex(noControl, 'no control characters').describe('`css/main.css`'),
  content: z.string().max(1_000_000),
  encoding: z.enum(['utf8', 'base64']).default('utf8'),
});
/** A form has only texts. */
const files = z.preprocess((v, ctx) => {
  if (typeof v !== 'string') return v;
  try {
    return JSON.parse(v) as unknown;
  } catch {
    ctx.addIssue({ code: 'custom', message: 'must be a JSON array' });
    return z.NEVER;
  }
}, z.array(givenFile).min(1).max(200));

const DeploymentShape = z.object({
  id: z.int(),
  slug: z.string(),
  live: z.boolean().describe('It is what is seen under the address'),
  ticket_id: z.int(),
  agent_id: z.int().nullable(),
  digest: z.string(),
  file_count: z.int(),
  total_bytes: z.int(),
  deployed_by: z.string(),
  created_at: Instant,
});

export const publishing = {
  deployStaticSite: operation({
    route: 'POST /api/agents/:agent_id/deploy/static-site',
    tag: 'Tickets',
    summary:
      "Publish a static tree, as an approved change of the same agent and ticket allows: from the agent's work folder, from an archive that is attached to the ticket or comes with the form, or from files",
    access: 'deployments:write',
    params: byId('agent_id'),
    body: z
      .object({
        change_id: intId,
        source_dir: name(500)
          .default('.')
          .describe("Below the agent's work folder, or in the archive; holds index.html"),
        attachment_id: intId.optional().describe('An archive on the ticket: tar, gzipped tar or zip'),
        files: files.optional(),
        slug: slug.optional().describe('The address that the change names as its target; no other'),
        public_base_url: z.url({ protocol: /^https?$/ }).optional(),
      })
      .refine((b) => b.attachment_id === undefined || b.files === undefined, {
        path: ['files'],
        message: 'from an attachment, or from files',
      }),
    upload: true,
    output: z.object({
      status: z.literal('deployed'),
      change_id: z.int(),
      note_id: z.int(),
      deployment: z.object({
        id: z.int(),
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
    output: raw('text/html', null, [304]),
    errors: ['NotFound'],
  }),
  listDeployments: operation({
    route: 'GET /api/published/:slug/deployments',
    tag: 'Tickets',
    summary: 'What was published under an address, newest first: each is kept',
    access: 'deployments:write',
    params: z.object({ slug }),
    query: page,
    output: z.object({ deployments: z.array(DeploymentShape), total: z.int(), limit: z.int(), offset: z.int() }),
  }),
  rollbackDeployment: operation({
    route: 'POST /api/published/:slug/rollback',
    tag: 'Tickets',
    summary: 'Show an earlier deployment under its address again; a person does, as what is shown was approved before',
    access: 'deployments:write',
    params: z.object({ slug }),
    body: z.object({ deployment_id: intId, reason: prose.optional() }),
    output: z.object({
      status: z.enum(['rolled_back', 'unchanged']),
      note_id: z.int().nullable(),
      deployment: DeploymentShape,
    }),
    errors: ['NotFound', 'Forbidden'],
  }),
};
