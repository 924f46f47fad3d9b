// Plain JavaScript: its packages, and with them their types, are there only once this bench has installed them.
import { randomUUID } from 'node:crypto';
import './with-resolvers.mjs';
import * as restate from '@restatedev/restate-sdk';
import { connect } from '@restatedev/restate-sdk-clients';

/** @type {import('../peer').Rows} */
let rows;
let ingress;

const gate = restate.workflow({
  name: 'gate',
  handlers: {
    run: async (ctx) => {
      await ctx.run('open', () => rows.opened(ctx.key));
      const verdict = await ctx.promise('verdict');
      await ctx.run('decide', () => rows.decided(ctx.key, verdict));
      return verdict;
    },
    decide: (ctx, verdict) => ctx.promise('verdict').resolve(verdict),
  },
});

/** @type {import('../peer').Peer} Its server keeps what was decided in a log of its own; the rows are in Postgres. */
export const peer = {
  name: 'restate',
  async start({ ingress: url, admin, port }, given) {
    rows = given;
    await restate.serve({ services: [gate], port: Number(port) });
    const registered = await fetch(`${admin}/deployments`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ uri: `http://127.0.0.1:${port}` }),
    });
    if (!registered.ok) throw new Error(`the server refused the gate: ${await registered.text()}`);
    ingress = connect({ url });
  },
  async open() {
    const id = randomUUID();
    await ingress.workflowClient(gate, id).workflowSubmit();
    await rows.stands(id);
    return id;
  },
  decide: (id, verdict) => ingress.workflowClient(gate, id).decide(verdict),
  result: (id) => ingress.workflowClient(gate, id).workflowAttach(),
  stop: async () => {},
};
