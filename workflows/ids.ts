export type Kind =
  | 'agentRun'
  | 'scheduledRun'
  | 'approvalGate'
  | 'accessRequest'
  | 'investigation'
  | 'notifyAlert'
  | 'notifyGate'
  | 'postmortemPromotion'
  | 'postmortemSynthesis'
  | 'pipelineRun'
  | 'ticketSync'
  | 'providerSync'
  | 'toolLooks';

/** The entity's uuid says all: whoever has the row can find the workflow. */
export const workflowId = (kind: Kind, tenantId: string, id: string): string => `${kind}:${tenantId}:${id}`;

/** Each attempt at an investigation has a workflow of its own: only one can resume what the last one left. */
export const attemptId = (investigationId: string, attempt: number): string =>
  attempt === 1 ? investigationId : `${investigationId}:${attempt}`;
