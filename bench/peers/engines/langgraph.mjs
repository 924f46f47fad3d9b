// Plain JavaScript: its packages, and with them their types, are there only once this bench has installed them.
import { randomUUID } from 'node:crypto';
import { Annotation, Command, END, interrupt, START, StateGraph } from '@langchain/langgraph';
import { PostgresSaver } from '@langchain/langgraph-checkpoint-postgres';

/** @type {import('../peer').Rows} */
let rows;
let checkpointer;
let graph;
const results = new Map();

const gate = new StateGraph(Annotation.Root({ id: Annotation(), verdict: Annotation() }))
  .addNode('open', async ({ id }) => {
    await rows.opened(id);
    return { id };
  })
  .addNode('wait', () => ({ verdict: interrupt('decide') }))
  .addNode('decide', async ({ id, verdict }) => {
    await rows.decided(id, verdict);
    return { verdict };
  })
  .addEdge(START, 'open')
  .addEdge('open', 'wait')
  .addEdge('wait', 'decide')
  .addEdge('decide', END);

/** `sync`: a checkpoint is on disk before the next step begins, as it is with the others. */
const thread = (id) => ({ configurable: { thread_id: id }, durability: 'sync' });

/** @type {import('../peer').Peer} Nothing runs while it waits: whoever decides carries the graph on. */
export const peer = {
  name: 'langgraph',
  async start({ database }, given) {
    rows = given;
    checkpointer = PostgresSaver.fromConnString(database, { schema: 'langgraph' });
    await checkpointer.setup();
    graph = gate.compile({ checkpointer });
  },
  async open() {
    const id = randomUUID();
    await graph.invoke({ id }, thread(id));
    await rows.stands(id);
    return id;
  },
  async decide(id, verdict) {
    results.set(id, (await graph.invoke(new Command({ resume: verdict }), thread(id))).verdict);
  },
  async result(id) {
    const verdict = results.get(id);
    results.delete(id);
    return verdict;
  },
  stop: () => checkpointer.end(),
};
