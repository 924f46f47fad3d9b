import { Client, Connection } from '@temporalio/client';
import { v7 } from 'uuid';
import { bareDecision, decideBare } from '../../floor/workflow';
import type { Peer } from '../peer';

let connection: Connection;
let client: Client;
let taskQueue: string;
const decided = new Map<string, string>();

/** The floor: no row, no activity. Its worker is a process of its own. */
export const peer: Peer = {
  name: 'temporal',
  start: async ({ address = '', queue = '' }) => {
    connection = await Connection.connect({ address });
    client = new Client({ connection });
    taskQueue = queue;
  },
  open: async () => {
    const workflowId = `bare:${v7()}`;
    await client.workflow.start(bareDecision, { taskQueue, workflowId });
    return workflowId;
  },
  decide: async (id, verdict) => {
    decided.set(id, await client.workflow.getHandle(id).executeUpdate(decideBare, { args: [verdict] }));
  },
  result: (id) => {
    const verdict = decided.get(id) ?? '';
    decided.delete(id);
    return Promise.resolve(verdict);
  },
  stop: () => connection.close(),
};
