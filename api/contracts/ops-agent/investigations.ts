import { z } from 'zod';
import { severities } from '../../../domain/findings';
import { investigationModes, investigationStatuses } from '../../../domain/investigation';
import { operation, raw } from '../../operation';
import { byUuid, intId, prose, wholeOr } from '../shapes';
import {
  DecidedShape, DetailShape, InsightWithEvidence, RecommendationShape, RuleDraftShape, SummaryShape,
} from './investigation-shapes'; // prettier-ignore

const base = '/api/v1/ops-agent';
const limit = wholeOr(50, 1, 200);

const oneSubject = z.check<{ transaction_id?: string | undefined; ticket_id?: number | undefined }>(
  ({ value, issues }) => {
    const { transaction_id: transaction, ticket_id: ticket } = value;
    if ((transaction === undefined) !== (ticket === undefined)) return;
    const message = ticket === undefined ? 'is required, or ticket_id in its place' : 'and ticket_id: only one of them';
    issues.push({ code: 'custom', path: ['transaction_id'], message, input: transaction });
  },
);

export const investigations = {
  listInvestigations: operation({
    route: `GET ${base}/investigations`,
    tag: 'Investigations',
    summary: 'Investigations, newest first',
    access: 'ops_agent:read',
    query: z.object({
      limit,
      offset: wholeOr(0, 0, 2_147_483_647),
      status: z.enum(investigationStatuses).optional(),
      transaction_id: z.uuid().optional(),
    }),
    output: z.object({ items: z.array(SummaryShape), total: z.int(), limit: z.int(), offset: z.int() }),
  }),
  runInvestigation: operation({
    route: `POST ${base}/investigations/run`,
    tag: 'Investigations',
    summary: 'Start an investigation of a transaction or of a ticket; it goes on by itself',
    access: 'ops_agent:run',
    body: z
      .object({
        mode: z.enum(investigationModes).default('quick'),
        transaction_id: z.uuid().optional(),
        ticket_id: intId.optional().describe('In its place; needs tickets:read'),
      })
      .check(oneSubject)
      .meta({ example: { mode: 'quick', transaction_id: '01890000-0000-7000-8000-000000000000' } }),
    output: SummaryShape,
    status: 202,
    errors: ['NotFound', 'Conflict'],
  }),
  getInvestigation: operation({
    route: `GET ${base}/investigations/:investigation_id`,
    tag: 'Investigations',
    summary: 'Everything that an investigation found, decided and called',
    access: 'ops_agent:read',
    params: byUuid('investigation_id'),
    output: DetailShape,
  }),
  resumeInvestigation: operation({
    route: `POST ${base}/investigations/:investigation_id/resume`,
    tag: 'Investigations',
    summary: 'Go on from the last recorded step of one that failed, timed out or was interrupted',
    access: 'ops_agent:run',
    params: byUuid('investigation_id'),
    output: SummaryShape,
    status: 202,
    errors: ['NotFound', 'Conflict'],
  }),
  getRuleDraft: operation({
    route: `GET ${base}/investigations/:investigation_id/rule-draft`,
    tag: 'Investigations',
    summary: 'The rule that would have caught this case, with its back-test; 404 when there is none',
    access: 'ops_agent:read',
    params: byUuid('investigation_id'),
    output: RuleDraftShape,
  }),
  getTrace: operation({
    route: `GET ${base}/investigations/:investigation_id/trace`,
    tag: 'Investigations',
    summary: 'Everything that was recorded of an investigation, as one HTML page that asks for nothing else',
    access: 'ops_agent:read',
    params: byUuid('investigation_id'),
    output: raw('text/html'),
  }),
  getTransactionInsights: operation({
    route: `GET ${base}/transactions/:transaction_id/insights`,
    tag: 'Transactions',
    summary: 'Insights of all investigations of a transaction, newest first, each with its evidence; 200 at most',
    access: 'ops_agent:read',
    params: byUuid('transaction_id'),
    output: z.object({ transaction_id: z.uuid(), insights: z.array(InsightWithEvidence) }),
  }),
  listRecommendations: operation({
    route: `GET ${base}/worklist/recommendations`,
    tag: 'Worklist',
    summary: 'Open recommendations, the most severe and surest first; pages stay as they are while others come in',
    access: 'ops_agent:read',
    query: z.object({
      limit,
      cursor: z.string().min(1).max(400).optional().describe('next_cursor of the page before, with the same severity'),
      severity: z.enum(severities).optional(),
    }),
    output: z.object({ items: z.array(RecommendationShape), next_cursor: z.string().nullable() }),
  }),
  acknowledgeRecommendation: operation({
    route: `POST ${base}/worklist/recommendations/:recommendation_id/acknowledge`,
    tag: 'Worklist',
    summary: 'Acknowledge or reject a recommendation, once',
    access: 'ops_agent:ack',
    params: byUuid('recommendation_id'),
    body: z.object({ action: z.enum(['ACKNOWLEDGED', 'REJECTED']), comment: prose.optional() }),
    output: DecidedShape,
    errors: ['NotFound', 'Conflict'],
  }),
};
