/** What an engine is told when it starts: addresses and keys, by name. */
export type Setup = Readonly<Record<string, string>>;

/** The rows of a gate, the same for every engine; the engine says when, within its own durable steps. */
export interface Rows {
  /** Writes the gate's row, once however often it is called. */
  opened(gate: string): Promise<void>;
  /** Resolves when the gate's row stands. */
  stands(gate: string): Promise<void>;
  /** Writes the decision onto a row that has none. @throws Error when there is no such row */
  decided(gate: string, verdict: string): Promise<void>;
  close(): Promise<void>;
}

/** One engine at the job: open a gate, decide it from outside, see the result. */
export interface Peer {
  name: string;
  start(setup: Setup, rows: Rows | null): Promise<void>;
  /** Resolves when the gate's row stands, where the engine writes one. */
  open(): Promise<string>;
  decide(gate: string, verdict: string): Promise<void>;
  /** What was decided, once the row says so too. */
  result(gate: string): Promise<string>;
  stop(): Promise<void>;
}

/** What one measurement found. */
export interface Throughput {
  lives: number;
  perSecond: number;
}
