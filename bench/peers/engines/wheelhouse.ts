import { client } from '../../../cli/story';
import type { Peer } from '../peer';

type Call = ReturnType<typeof client>;
let ask: Call;
let approve: Call;
let ticket: number;
const decided = new Map<string, string>();

/** Ours, through HTTP: two people, a row, a note and a log entry each time. The gate then waits for its completion. */
export const peer: Peer = {
  name: 'wheelhouse',
  start: async ({ url = '', token = '', approver = '' }) => {
    ask = client({ url, token });
    approve = client({ url, token: approver });
    ({ id: ticket } = await ask<{ id: number }>('POST', '/api/tickets', { title: 'bench', auto_assign: false }));
  },
  open: async () => {
    const change = { ticket_id: ticket, action: 'restart', target: 'web-1' };
    const { change_id: id } = await ask<{ change_id: number }>('POST', '/api/changes/request', change);
    return String(id);
  },
  decide: async (id) => {
    decided.set(id, (await approve<{ status: string }>('POST', `/api/changes/${id}/approve`, {})).status);
  },
  result: (id) => {
    const verdict = decided.get(id) ?? '';
    decided.delete(id);
    return Promise.resolve(verdict);
  },
  stop: () => Promise.resolve(),
};
