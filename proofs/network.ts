import { setTimeout as pause } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { Pool } from 'pg';
import { v7 } from 'uuid';
import { workflowId } from '../workflows/ids';
import { promptOf, withCluster, type Cluster, type Link } from './cluster/cluster';
import { caller, type Caller } from './crash/caller';
import { judge } from './crash/judge';
import type { Options, Outcome, Proof } from './proof';
import { random, type Random } from './random';

type Fault = (link: Link, chance: Random) => Promise<void>;

/** Until the link has hit a connection once more; traffic goes on, so one comes by. */
async function struck(link: Link, before: number): Promise<void> {
  while (link.faults === before) await pause(2);
}
const faults: Record<string, Fault> = {
  'drop-reply': async (link) => {
    const before = link.faults;
    link.dropReply();
    await struck(link, before);
  },
  reset: async (link) => {
    const before = link.faults;
    while (link.faults === before) {
      link.reset();
      await pause(2);
    }
  },
  cut: async (link) => {
    link.cut();
    await struck(link, link.faults); // somebody new is refused
    link.mend();
  },
  delay: async (link, chance) => {
    link.delay(20 + chance.below(200));
    await link.carried();
    link.delay(0);
  },
};

/** A Signal, sent until Temporal has acknowledged it; its id makes repeats harmless. */
type Send = (workflow: string, signal: string, id: string) => Promise<void>;

async function sender(c: Cluster): Promise<{ send: Send; close: () => Promise<void> }> {
  const connection = await Connection.connect({ address: `127.0.0.1:${c.links.apiTemporal.port}`, interceptors: [] });
  const { workflow } = new Client({ connection });
  return {
    send: async (id, signal, message) => {
      for (;;) {
        try {
          const body = { id: message, actor: 'operator' };
          return await connection.withDeadline(Date.now() + 5_000, () => workflow.getHandle(id).signal(signal, body));
        } catch (e) {
          if (e instanceof Error && e.name === 'WorkflowNotFoundError') throw e;
          await pause(50);
        }
      }
    },
    close: () => connection.close(),
  };
}

interface Told {
  /** Signals that Temporal acknowledged. */
  signals: string[];
}

/** An agent that is steered while it ends; or a change that hears a Signal and an Update at once. */
async function life(c: Cluster, calls: Caller, db: Pool, send: Send, told: Told, chance: Random): Promise<void> {
  const ask = await calls.post('/api/tickets', c.token, { title: 'network', auto_assign: false });
  const ticket = Number(ask.body['id']);
  if (chance.fraction() < 0.5) {
    const prompt = promptOf({ effects: 1, reads: chance.below(3), propose: chance.fraction() < 0.2 });
    await calls.post(`/api/tickets/${ticket}/assign-agent`, c.token, { prompt });
    const notes = Array.from({ length: 1 + chance.below(3) }, (_, i) => ({ body: `note ${i}` }));
    await Promise.all(notes.map((note) => calls.post(`/api/tickets/${ticket}/notes`, c.token, note)));
    return;
  }
  const change = await calls.post('/api/changes/request', c.token, { ticket_id: ticket, action: 'a', target: 't' });
  const number = Number(change.body['change_id']);
  const { rows } = await db.query<{ id: string }>('select id from gates where number = $1', [number]);
  const gate = workflowId('approvalGate', c.tenantId, rows[0]?.id ?? '');
  const signal = v7();
  const [bySignal, byUpdate] = chance.fraction() < 0.5 ? ['approve', 'reject'] : ['reject', 'approve'];
  // One that comes after the end is refused by Temporal itself: that is no acknowledgement.
  const signalled = send(gate, bySignal, signal).then(
    () => void told.signals.push(signal),
    () => undefined,
  );
  await Promise.all([signalled, calls.post(`/api/changes/${number}/${byUpdate}`, c.approver, {})]);
}

/** Every acknowledged Signal moved its gate, or is written down as refused. */
async function unheard(c: Cluster, told: Told): Promise<string[]> {
  const db = await c.owner();
  const { rows } = await db.query<{ transition: string }>(
    `select transition from log where transition = any($1) and kind in ('gate.approved', 'gate.rejected', 'gate.decision_refused')`,
    [told.signals],
  );
  const found = new Set(rows.map((r) => r.transition));
  return told.signals.filter((id) => !found.has(id)).map((id) => `Signal ${id} was acknowledged, and is nowhere`);
}

const callersAtOnce = 6;

async function run({ config, count, seed, form, say }: Options): Promise<Outcome> {
  return withCluster({ config, form }, async (c) => {
    const chance = random(seed);
    const calls = caller(c.apiUrls);
    const told: Told = { signals: [] };
    const { send, close } = await sender(c);
    const db = new Pool({ connectionString: c.databaseUrl, max: callersAtOnce });
    const violations: string[] = [];
    const by = new Map<string, number>();
    let over = false;
    const callers = Array.from({ length: callersAtOnce }, async () => {
      while (!over) await life(c, calls, db, send, told, chance).catch((e: unknown) => violations.push(String(e)));
    });
    const links = Object.values(c.links).flat();
    for (let n = 0; n < count; n += 1) {
      const link = links[n % links.length] as Link;
      const kind = chance.pick(Object.keys(faults));
      await faults[kind]?.(link, chance);
      by.set(`${link.name}:${kind}`, (by.get(`${link.name}:${kind}`) ?? 0) + 1);
      if ((n + 1) % 20 === 0) say(`${n + 1}/${count} faults, ${calls.acknowledged.length} acknowledged`);
    }
    over = true;
    await Promise.all(callers);
    await close();
    await db.end();
    await c.settle().catch((e: unknown) => violations.push(`stuck: ${String(e)}`));
    violations.push(...(await judge(c, calls.acknowledged)), ...(await unheard(c, told)));
    return {
      figures: {
        faults: count,
        kinds: by.size,
        acknowledged: calls.acknowledged.length,
        signals: told.signals.length,
        repeats: calls.repeats,
        effects: c.sink.lines().length,
      },
      violations,
    };
  });
}

export const network: Proof = {
  title: 'replies dropped after commit, delays and resets on every link: no acknowledged write or Signal is lost',
  quick: 120,
  waits: true,
  run,
};
