import type { SteeringEvent, SteeringStatus } from './ticket';

/** What people said to an agent, as it finds it in its folder and as the doors show it. */
export interface Update {
  id: number;
  ticket_id: number;
  agent_id: number;
  task_id: number;
  note_id: number | null;
  source: string;
  author: string;
  body: string;
  created_at: string;
  status: SteeringStatus;
}

interface Numbered extends Pick<SteeringEvent, 'number' | 'source' | 'author' | 'body' | 'createdAt' | 'status'> {
  ticketNumber: number;
  runNumber: number;
  taskNumber: number;
  noteNumber: number | null;
}

export const updateOf = (s: Numbered): Update => ({
  id: s.number,
  ticket_id: s.ticketNumber,
  agent_id: s.runNumber,
  task_id: s.taskNumber,
  note_id: s.noteNumber,
  source: s.source,
  author: s.author,
  body: s.body,
  created_at: s.createdAt,
  status: s.status,
});
