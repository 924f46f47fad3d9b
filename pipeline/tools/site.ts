import { z } from 'zod';
import { ledger } from '../../db/executions';
import { runs } from '../../db/runs';
import { tickets } from '../../db/tickets';
import { Invalid } from '../../domain/errors';
import { ReportSchema } from '../../domain/report.schema';
import { tool, type Tool, type ToolContext } from '../call';
import { publishPage, slugPattern, type PublishDeps } from '../publishing/publish';
import { renderReportPage, type ReportPageMeta } from './report-page';

const args = z.strictObject({
  slug: z.string().regex(slugPattern, 'small letters, digits and hyphens, beginning with no hyphen, at most 63'),
  report: ReportSchema,
});

/** Read off what was recorded before this step, the time included: a repeat renders the same bytes. */
const metaOf = ({ call, ...context }: ToolContext, ticketId: string): Promise<ReportPageMeta> =>
  context.read(async (tx) => {
    const run = await runs.byId(tx, call.owner.id);
    const ticket = await tickets.byId(tx, ticketId);
    if (!run || !ticket) throw new Invalid('only the run of a ticket publishes');
    const before = (await ledger(tx, run.id)).filter((e) => e.step < call.owner.step);
    return {
      ticketNumber: ticket.number,
      agentNumber: run.number,
      generatedAt: before.at(-1)?.startedAt ?? run.createdAt,
      digests: before.flatMap(({ resultDigest: digest, step, tool }) =>
        digest === null ? [] : [{ digest, step, tool }],
      ),
    };
  });

export const sitePublish = (deps: PublishDeps): Tool =>
  tool({
    name: 'site.publish',
    description: 'Publishes a report as a page of its own. People approve it first.',
    effect: 'external',
    scope: 'deployments:write',
    content: 'prose',
    args,
    target: ({ slug }) => slug,
    async run({ slug, report }, context) {
      const { tenantId, ticketId, owner, agentId, actor } = context.call;
      if (ticketId === null) throw new Invalid('this run has no ticket to publish for');
      const html = renderReportPage(report, await metaOf(context, ticketId));
      const effect = `${owner.id}-${owner.step}`;
      return publishPage(deps, { tenantId, slug, runId: owner.id, ticketId, agentId, actor, effect }, html);
    },
  });
