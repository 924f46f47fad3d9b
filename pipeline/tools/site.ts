import { z } from 'zod';
import { Invalid } from '../../domain/errors';
import { ReportSchema } from '../../domain/report.schema';
import { tool, type Tool } from '../call';
import { publishPage, slugPattern, type PublishDeps } from '../publishing/publish';
import { reportPage } from './report-page';

const args = z.strictObject({
  slug: z.string().regex(slugPattern, 'small letters, digits and hyphens, beginning with no hyphen, at most 63'),
  report: ReportSchema,
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
    async run({ slug, report }, { call }) {
      const { tenantId, ticketId, owner, agentId, actor } = call;
      if (ticketId === null) throw new Invalid('this run has no ticket to publish for');
      const publication = {
        tenantId,
        slug,
        runId: owner.id,
        ticketId,
        agentId,
        actor,
        effect: `${owner.id}-${owner.step}`,
      };
      return publishPage(deps, publication, reportPage(report));
    },
  });
