export type Kind =
  | 'agentRun'
  | 'scheduledRun'
  | 'approvalGate'
  | 'accessRequest'
  | 'investigation'
  | 'notifyAlert'
  | 'postmortemPromotion';

/** The entity's uuid says all: whoever has the row can find the workflow. */
export const workflowId = (kind: Kind, tenantId: string, id: string): string => `${kind}:${tenantId}:${id}`;
