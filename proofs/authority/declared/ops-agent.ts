import { at, offset, resource, type Declared } from '../declaration';

const investigation = { 'path.investigation_id': at('investigation') };

export const opsAgent: Readonly<Record<string, Declared>> = {
  ingestTransactions: {
    ids: { 'body.transaction_id': resource, 'body.customer_id': resource, 'body.terminal_id': resource },
  },
  ingestDisputes: { ids: { 'body.transaction_id': resource } },
  listInvestigations: { ids: { ...offset, 'query.transaction_id': at('transaction', 'empty') } },
  runInvestigation: {
    ids: { 'body.transaction_id': at('transaction'), 'body.ticket_id': at('ticket') },
    either: { place: 'body.ticket_id', of: 'body.transaction_id', scope: 'tickets:read' },
  },
  getInvestigation: { ids: investigation },
  resumeInvestigation: {
    ids: investigation,
    own: { statuses: [409], why: 'that of this world is completed; test/api/resume has those that are not' },
  },
  getRuleDraft: { ids: investigation },
  getTrace: { ids: investigation },
  getTransactionInsights: { ids: { 'path.transaction_id': at('transaction') } },
  // A cursor says a place in a list, and the list is the caller's.
  listRecommendations: { ids: { 'query.cursor': at('place', 'ignored') } },
  acknowledgeRecommendation: { ids: { 'path.recommendation_id': at('recommendation') }, fresh: 'recommendation' },
};
