import { constants } from 'node:fs';
import { access, open, realpath } from 'node:fs/promises';
import { extname, join } from 'node:path';
import type { GateView } from '../../../db/changes';
import type { RunView } from '../../../db/run-queries';
import { Conflict, Forbidden, Invalid, NotFound } from '../../../domain/errors';
import { errnoOf } from '../../../pipeline/errno';
import { publishTree } from '../../../pipeline/publishing/publish';
import { complete } from '../../../workflows/approval-gate';
import type { publishing } from '../../contracts/agentic/publishing';
import type { Ctx, Handlers } from '../../kernel';
import { findChange } from './find-change';
import { gateRef, send } from './gate-sender';
import { say } from './notes';
import { seenRun } from './seen';

/** Public pages are a stranger's: they get no origin of ours, and load nothing from elsewhere. */
const headers = {
  'Content-Security-Policy': "sandbox; default-src 'self' 'unsafe-inline'",
  'X-Content-Type-Options': 'nosniff',
  // A sandboxed page has no origin, so its own style sheets come from another one.
  'Cross-Origin-Resource-Policy': 'cross-origin',
};

const nothingThere = new Set<unknown>(['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG', 'EISDIR']);
const isMissing = (e: unknown): boolean => nothingThere.has(errnoOf(e));

/** A file of a published site, or null: for one that is not there as for one that is reached through a link. */
async function published(
  dataDir: string,
  slug: string,
  path: readonly string[],
): Promise<NodeJS.ReadableStream | null> {
  try {
    const site = join(await realpath(join(dataDir, 'published')), slug);
    const wanted = join(site, ...path);
    if ((await realpath(wanted)) !== wanted) return null;
    const file = await open(wanted, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    if ((await file.stat()).isFile()) return file.createReadStream();
    await file.close();
    return null;
  } catch (e) {
    if (isMissing(e)) return null;
    throw e;
  }
}

/** @throws NotFound; Forbidden for a change that does not allow this agent to publish now */
async function allowing(ctx: Ctx, run: RunView, number: number): Promise<GateView> {
  const gate = await findChange(ctx, number);
  const refuse = (reason: string): never => {
    throw new Forbidden(`change ${number} does not allow this`, { allow: false, reason, change_status: gate.status });
  };
  if (gate.runId !== run.id || gate.ticketId !== run.ticketId) refuse('change_of_another_agent_or_ticket');
  if (gate.status !== 'approved') refuse('change_not_approved');
  // An approval that is sealed to one tool call, or to a lease, is good for nothing else.
  if (gate.digest !== null || gate.accessRequestId !== null) refuse('change_approved_for_something_else');
  return gate;
}

/** Where an agent works. @throws Invalid when it has no files of its own */
async function workFolder(dataDir: string, run: RunView): Promise<string> {
  const folder = join(dataDir, 'work', run.id);
  try {
    await access(folder);
  } catch (e) {
    if (!isMissing(e)) throw e;
    throw new Invalid(`source_dir: agent ${run.number} has no work folder`, { field: 'source_dir' });
  }
  return folder;
}

/** One deployment of a change at a time, whatever process it is: an approval is used once. @throws Conflict */
const once = <T>(ctx: Ctx, gate: GateView, work: () => Promise<T>): Promise<T> =>
  ctx.kernel.store.read(ctx.tenantId, async (tx) => {
    const { rows } = await tx.query<{ taken: boolean }>(
      `select pg_try_advisory_xact_lock(hashtextextended('deploy:' || $1, 0)) as taken`,
      [gate.id],
    );
    if (!rows[0]?.taken) throw new Conflict(`change ${gate.number} is being carried out`, { status: gate.status });
    return work();
  });

export const publishingHandlers: Handlers<typeof publishing> = {
  deployStaticSite: async ({ params, body }, ctx) => {
    const run = await ctx.read((tx) => seenRun(ctx, tx, params.agent_id));
    const asked = await allowing(ctx, run, body.change_id);
    const { config, store } = ctx.kernel;
    const slug = body.slug ?? `ticket-${run.ticketNumber}-agent-${run.number}`;
    return once(ctx, asked, async () => {
      const gate = await allowing(ctx, run, body.change_id); // as it stands now that nobody else carries it out
      const site = await publishTree(
        { store, dataDir: config.dataDir, publicUrl: body.public_base_url ?? config.publicUrl },
        {
          tenantId: ctx.tenantId,
          slug,
          runId: run.id,
          ticketId: run.ticketId,
          agentId: run.agentId,
          actor: ctx.actor,
          effect: `gate-${gate.id}`,
        },
        { root: await workFolder(config.dataDir, run), dir: body.source_dir },
      );
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
          slug: site.slug,
          source_dir: body.source_dir,
          relative_url: `/published/${site.slug}/`,
          public_url: site.url,
          file_count: site.file_count,
          total_bytes: site.total_bytes,
          digest: site.digest,
        },
      };
    });
  },

  published: async ({ params }, { kernel }) => {
    const path = params.path ?? ['index.html'];
    const body = await published(kernel.config.dataDir, params.slug, path);
    if (!body) throw new NotFound('there is no such page');
    return { type: extname(path.at(-1) ?? '') || 'application/octet-stream', body, headers };
  },
};
