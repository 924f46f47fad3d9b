/** What an agent wants done outside, as the sink is asked. */
export interface Asked {
  tenant: string;
  run: string;
  step: number;
  key: string;
  attempt: number;
  fence: number;
  /** Of what is to be done. */
  digest: string;
}

/** One line of the sink's file, on disk before the answer goes out. */
export interface SinkLine extends Asked {
  /** Milliseconds since the epoch. */
  at: number;
  /**
   * applied: it was done. replayed: the key was known, and answered as the first time. conflict: the key came with other
   * content. stale: a later attempt at that step has been seen.
   */
  outcome: 'applied' | 'replayed' | 'stale' | 'conflict';
}
