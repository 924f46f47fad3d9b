// Plain JavaScript: its packages, and with them their types, are there only once this bench has installed them.
import { randomUUID } from 'node:crypto';
import { DBOS } from '@dbos-inc/dbos-sdk';

/** @type {import('../peer').Rows} */
let rows;
const running = new Map();
const aDay = 24 * 3600;

const gate = DBOS.registerWorkflow(
  async (id) => {
    await DBOS.runStep(() => rows.opened(id), { name: 'open' });
    const verdict = await DBOS.recv('verdict', aDay);
    await DBOS.runStep(() => rows.decided(id, verdict), { name: 'decide' });
    return verdict;
  },
  { name: 'gate' },
);

/** @type {import('../peer').Peer} Default settings; told of a message by LISTEN/NOTIFY. */
export const peer = {
  name: 'dbos',
  async start({ database }, given) {
    rows = given;
    DBOS.setConfig({ name: 'peers', applicationVersion: '1', systemDatabaseUrl: database, logLevel: 'error' });
    await DBOS.launch();
  },
  async open() {
    const id = randomUUID();
    running.set(id, await DBOS.startWorkflow(gate, { workflowID: id })(id));
    await rows.stands(id);
    return id;
  },
  decide: (id, verdict) => DBOS.send(id, verdict, 'verdict'),
  async result(id) {
    const verdict = await running.get(id).getResult();
    running.delete(id);
    return verdict;
  },
  stop: () => DBOS.shutdown(),
};
