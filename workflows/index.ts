// The bundle that workers load: one durable process a file.
export { accessRequest } from './access-request';
export { agentRun } from './agent-run';
export { approvalGate } from './approval-gate';
export { evaluateAlerts } from './evaluate-alerts';
export { investigation } from './investigation';
export { notifyAlert } from './notify-alert';
export { notifyGate } from './notify-gate';
export { pipelineRun } from './pipeline-run';
export { postmortemPromotion } from './postmortem-promotion';
export { postmortemSynthesis } from './postmortem-synthesis';
export { providerSync } from './provider-sync';
export { scheduledRun } from './scheduled-run';
export { sweep } from './sweep';
export { ticketSync } from './ticket-sync';
export { toolLooks } from './tool-looks';
