/** What a writing process is told when it starts, and at each round. */
export interface Job {
  url: string;
  masterKey: string;
  tenantId: string;
  ticketId: string;
  agentId: string;
  connections: number;
}
export interface Round {
  /**
   * A note with its entry; an execution with its entry and receipt, by itself; the same as the pipeline writes it, together with
   * those that end at the same time; two plain inserts in a transaction.
   */
  form: 'note' | 'receipt' | 'step' | 'plain';
  seconds: number;
  writers: number;
}
export interface Done {
  writes: number;
  seconds: number;
  cpuSeconds: number;
}
