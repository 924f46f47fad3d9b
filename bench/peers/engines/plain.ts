import { randomUUID } from 'node:crypto';
import type { Peer, Rows } from '../peer';

let rows: Rows;
const decided = new Map<string, string>();

/** Two rows and no durable process: what the disk alone costs. */
export const peer: Peer = {
  name: 'plain',
  start: (_setup, given) => {
    if (!given) throw new Error('rows without a database');
    rows = given;
    return Promise.resolve();
  },
  open: async () => {
    const id = randomUUID();
    await rows.opened(id);
    await rows.stands(id);
    return id;
  },
  decide: async (id, verdict) => {
    await rows.decided(id, verdict);
    decided.set(id, verdict);
  },
  result: (id) => {
    const verdict = decided.get(id) ?? '';
    decided.delete(id);
    return Promise.resolve(verdict);
  },
  stop: () => Promise.resolve(),
};
