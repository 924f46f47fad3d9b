import { setTimeout as pause } from 'node:timers/promises';
import type { Pool } from 'pg';
import type { Call } from '../../cli/story';
import { promptOf } from '../cluster/cluster';
import type { Random } from '../random';

/** A gate that can be raced over. */
export interface Opened {
  number: number;
  id: string;
  /** Milliseconds of this process' clock: its deadline is not over before one time to live after it. */
  notBefore: number;
  /** About when its time began. */
  at: number;
  /** The run that waits for it. */
  run: string | null;
  /** What is carried out is another call than the one that was approved, changed with the approval itself. */
  altered: boolean;
}

const request = 'POST';
const patienceMs = 60_000;

/** A change that somebody asked for and will say to have carried out. */
export async function openChange(ask: Call, db: Pool, chance: Random, ticket: number): Promise<Opened> {
  const at = performance.now();
  const wanted = { ticket_id: ticket, action: 'restart', target: `web-${chance.below(100)}` };
  const { change_id: number } = await ask<{ change_id: number }>(request, '/api/changes/request', wanted);
  const { rows } = await db.query<{ id: string }>('select id from gates where number = $1', [number]);
  return { number, id: rows[0]?.id ?? '', notBefore: at, at, run: null, altered: false };
}

/** A change that an agent waits for, as soon as it can be decided; the agent may not have written yet that it waits. */
export async function openWaiting(ask: Call, db: Pool, chance: Random): Promise<Opened> {
  const notBefore = performance.now();
  const ticket = await ask<{ id: number }>(request, '/api/tickets', { title: 'race', auto_assign: false });
  const plan = { prompt: promptOf({ effects: 0, propose: true }) };
  const { agent_id: agent } = await ask<{ agent_id: number }>(request, `/api/tickets/${ticket.id}/assign-agent`, plan);
  for (const deadline = notBefore + patienceMs; ; await pause(20)) {
    const { rows } = await db.query<{ number: number; id: string; run: string }>(
      `select g.number, g.id, r.id as run from gates g join runs r on r.id = g.run_id where r.number = $1`,
      [agent],
    );
    const [gate] = rows;
    if (!gate && performance.now() > deadline) throw new Error(`agent ${agent} asked for nothing`);
    if (!gate) continue;
    const altered = chance.below(3) === 0;
    if (altered) await db.query('insert into proof_altered values ($1)', [gate.id]);
    return { ...gate, notBefore, at: performance.now(), altered };
  }
}

/**
 * What a marked gate's approval is given for is changed in the transaction that approves it: after people have seen it,
 * before anything is dispatched. Past the application's role, which may only add to the ledger.
 */
export async function alterOnApproval(db: Pool): Promise<void> {
  await db.query(`
    create table proof_altered (gate uuid primary key);
    create function proof_alter() returns trigger language plpgsql security definer as $$
    begin
      update executions set args = jsonb_set(args, '{what}', '"something else"')
        where owner_id = new.run_id and decision = 'escalate' and new.id in (select gate from proof_altered);
      return new;
    end $$;
    create trigger proof_alter after update on gates for each row
      when (old.status = 'pending' and new.status = 'approved') execute function proof_alter()`);
}
