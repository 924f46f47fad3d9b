import type { Note } from './ticket';

/** Beside what the requester sees: what people and agents write down for one another. */
export const toldSources = [
  'dashboard', 'servicenow', 'jira', 'provider', 'requester', 'user-response', 'user-info-request', 'agent', 'agent-resolution',
  'ticket-assignment', 'ops-chat',
]; // prettier-ignore

/** Whether a ticket's provider is told of a note; what the control plane notes of its own workings stays here. */
export const isTold = ({ source, visibility }: Pick<Note, 'source' | 'visibility'>): boolean =>
  visibility !== 'internal' || toldSources.includes(source);
