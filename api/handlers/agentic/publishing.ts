import { extname } from 'node:path';
import type { GateView } from '../../../db/changes';
import {
  deploymentByNumber, deploymentsOf, goLive, liveAt, lockSlug, siteFile, type Deployment,
} from '../../../db/deployments'; // prettier-ignore
import type { RunView } from '../../../db/run-queries';
import { Conflict, Forbidden, NotFound } from '../../../domain/errors';
import { approvedSite, type ApprovedSite } from '../../../pipeline/publishing/approved';
import { publishSite, withSite, type Site } from '../../../pipeline/publishing/publish';
import { complete } from '../../../workflows/approval-gate';
import type { publishing } from '../../contracts/agentic/publishing';
import type { Ctx, Handlers } from '../../kernel';
import { findChange } from './find-change';
import { gateRef, send } from './gate-sender';
import { say } from './notes';
import { assertPerson, hidden, ownRun } from './seen';
import { siteSource } from './site-source';

/** Public pages are a stranger's: they get no origin of ours, and load nothing from elsewhere. */
const headers = {
  'Content-Security-Policy': "sandbox; default-src 'self' 'unsafe-inline'",
  'X-Content-Type-Options': 'nosniff',
  // A sandboxed page has no origin, so its own style sheets come from another one.
  'Cross-Origin-Resource-Policy': 'cross-origin',
};

interface Allowed {
  gate: GateView;
  site: ApprovedSite;
}

/**
 * What the change allows: one site under the address that it names, and where it names a digest, that tree alone.
 * @throws NotFound; Forbidden for a change that does not allow this agent to publish now
 */
async function allowing(
  ctx: Ctx,
  run: RunView,
  body: { change_id: number; slug?: string | undefined },
  tree?: string,
): Promise<Allowed> {
  const gate = await findChange(ctx, body.change_id);
  const refuse = (reason: string, how = '', more = {}): never => {
    const said = `change ${gate.number} does not allow this${how}`;
    throw new Forbidden(said, { allow: false, reason, change_status: gate.status, ...more });
  };
  if (gate.runId !== run.id || gate.ticketId !== run.ticketId) refuse('change_of_another_agent_or_ticket');
  if (gate.status !== 'approved') refuse('change_not_approved');
  // An approval that is sealed to one tool call, or to a lease, is good for nothing else.
  if (gate.digest !== null || gate.accessRequestId !== null) refuse('change_approved_for_something_else');
  const site =
    approvedSite(gate) ??
    refuse(
      'change_approved_for_something_else',
      `: it is about ${JSON.stringify(gate.action)} on ${JSON.stringify(gate.target)}, and no site; ask for action "publish_static_site" with the slug as its target`,
    );
  if (body.slug !== undefined && body.slug !== site.slug)
    refuse('change_approved_for_another_address', `: it is about /published/${site.slug}/`, { field: 'slug' });
  if (tree !== undefined && site.digest !== null && site.digest !== tree)
    refuse('change_approved_for_another_tree', `: the tree that it names is ${site.digest}, this one is ${tree}`);
  return { gate, site };
}

/**
 * One deployment of a change at a time, whatever process it is. Should this connection be lost meanwhile, an approval is
 * used once all the same: the transaction that publishes sees to it (`once` of a publication). @throws Conflict
 */
const once = <T>(ctx: Ctx, gate: GateView, work: () => Promise<T>): Promise<T> =>
  ctx.kernel.store.read(ctx.tenantId, async (tx) => {
    const { rows } = await tx.query<{ taken: boolean }>(
      `select pg_try_advisory_xact_lock(hashtextextended('deploy:' || $1, 0)) as taken`,
      [gate.id],
    );
    if (!rows[0]?.taken) throw new Conflict(`change ${gate.number} is being carried out`, { status: gate.status });
    return work();
  });

const deploymentView = (d: Deployment) => ({
  id: d.number,
  slug: d.slug,
  live: d.live,
  ticket_id: d.ticketNumber,
  agent_id: d.runNumber,
  digest: d.digest,
  file_count: d.fileCount,
  total_bytes: d.totalBytes,
  deployed_by: d.deployedBy.name,
  created_at: d.createdAt,
});

export const publishingHandlers: Handlers<typeof publishing> = {
  deployStaticSite: async ({ params, body }, ctx) => {
    const run = await ctx.read((tx) => ownRun(ctx, tx, params.agent_id));
    const { gate: asked, site: approved } = await allowing(ctx, run, body);
    const { config, files, store } = ctx.kernel;
    const { slug } = approved;
    const publication = {
      tenantId: ctx.tenantId, slug, runId: run.id, ticketId: run.ticketId, agentId: run.agentId, actor: ctx.actor,
      effect: `gate-${asked.id}`, once: true,
    }; // prettier-ignore
    const carryOut = (staged: Site) => async () => {
      // As it stands now that nobody else carries it out.
      const { gate } = await allowing(ctx, run, body, staged.deployment.digest);
      const site = await publishSite({ store, publicUrl: body.public_base_url ?? config.publicUrl }, staged);
      const result = `published at ${site.url}: ${site.file_count} files, ${site.total_bytes} bytes, sha256 ${site.digest}`;
      const note = await ctx.write(async (tx) => {
        const said = await say(
          ctx,
          tx,
          { id: run.ticketId, number: run.ticketNumber },
          {
            source: 'deployment-adapter',
            author: ctx.actor.name,
            body: `Site ${result}`,
            externalRef: `change:${gate.number}`,
          },
        );
        tx.log({
          kind: 'static_site.deployed',
          actor: ctx.actor,
          subject: { kind: 'publication', id: site.slug },
          ticketId: run.ticketId,
          runId: run.id,
          agentId: run.agentId,
          body: { change_id: gate.number, note_id: said.note.number, ...site },
        });
        return said.note;
      });
      // Last: until then everything is safe to repeat.
      await send(ctx, gate, 'complete', (proof, updateId) =>
        ctx.kernel.temporal.update(gateRef(ctx, gate), complete, updateId, {
          by: ctx.actor, result, proof, correlationId: ctx.requestId,
        }),
      ); // prettier-ignore
      return {
        status: 'deployed' as const,
        change_id: gate.number,
        note_id: note.number,
        deployment: {
          id: site.deployment_id,
          slug: site.slug,
          source_dir: body.source_dir,
          relative_url: `/published/${site.slug}/`,
          public_url: site.url,
          file_count: site.file_count,
          total_bytes: site.total_bytes,
          digest: site.digest,
        },
      };
    };
    // All has come before anything is held: how long that takes is the sender's to say.
    const source = await siteSource(ctx, run, body);
    return withSite(files, publication, source, (staged) => once(ctx, asked, carryOut(staged)));
  },

  published: async ({ params }, { kernel, headers: asked }) => {
    const path = params.path ?? ['index.html'];
    const missing = new NotFound('there is no such page');
    const live = await liveAt(kernel.store.pool, params.slug);
    if (!live) throw missing;
    const file = await kernel.store.readOnce(live.tenantId, (tx) => siteFile(tx, live.deploymentId, path.join('/')));
    if (!file) throw missing;
    const etag = `"${file.sha256}"`;
    const shown = { type: extname(file.path), headers: { ...headers, ETag: etag } };
    if (asked['if-none-match'] === etag) return { ...shown, status: 304, body: '' };
    const body = await kernel.files.open(live.tenantId, file.sha256);
    if (body) return { ...shown, body };
    kernel.logger.error({ slug: params.slug, ...file }, 'the bytes of a published page are gone');
    throw missing;
  },

  listDeployments: ({ params: { slug }, query: { limit, offset } }, ctx) =>
    ctx.read(async (tx) => {
      const { deployments, total } = await deploymentsOf(tx, { slug, only: ctx.principal.ticketId }, limit, offset);
      if (total === 0) throw new NotFound('nothing is published there');
      return { deployments: deployments.map(deploymentView), total, limit, offset };
    }),

  rollbackDeployment: ({ params: { slug }, body }, ctx) =>
    ctx.write(async (tx) => {
      assertPerson(ctx, 'a person decides what is shown again');
      await lockSlug(tx, slug);
      const wanted = await deploymentByNumber(tx, slug, body.deployment_id);
      if (!wanted || hidden(ctx, wanted.ticketId)) {
        throw new NotFound(`no deployment ${body.deployment_id} there`, { field: 'deployment_id' });
      }
      const back = deploymentView({ ...wanted, live: true });
      if (wanted.live) return { status: 'unchanged' as const, note_id: null, deployment: back };
      const { note } = await say(
        ctx,
        tx,
        { id: wanted.ticketId, number: wanted.ticketNumber },
        {
          source: 'deployment-adapter',
          author: ctx.actor.name,
          body: `Deployment ${wanted.number} is shown under /published/${slug}/ again${body.reason ? `. ${body.reason}` : ''}`,
          externalRef: `deployment:${wanted.number}`,
        },
      );
      await goLive(tx, slug, wanted.id);
      tx.log({
        kind: 'publication.rolled_back',
        actor: ctx.actor,
        subject: { kind: 'publication', id: slug },
        ticketId: wanted.ticketId,
        reason: body.reason ?? null,
        body: { slug, deployment_id: wanted.number, digest: wanted.digest, note_id: note.number },
      });
      return { status: 'rolled_back' as const, note_id: note.number, deployment: back };
    }),
};
