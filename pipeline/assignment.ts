import { v5 } from 'uuid';
import { writeNote } from '../db/notes';
import { atWorkFor, autoAssignmentOf, autoRules, giveUpPlace, heldRaciRule, takePlace } from '../db/raci';
import { aliveRuns } from '../db/run-queries';
import { runs } from '../db/runs';
import type { Write } from '../db/tx';
import { Conflict, Invalid } from '../domain/errors';
import { system } from '../domain/principal';
import { bestOf, type RaciRule } from '../domain/raci';
import type { Run } from '../domain/run';
import { agentScopes } from '../domain/scopes';
import { closedStatuses, type Ticket } from '../domain/ticket';
import type { Here, Settings } from './chosen';
import { draftRun } from './drafting';

/** What the rules say of a new ticket. */
export type Assignment =
  | { status: 'assigned'; rule: RaciRule; score: number; run: Run; stands: boolean }
  | { status: 'skipped'; reason: string };

const skipped = (reason: string): Assignment => ({ status: 'skipped', reason });

/** What an installation lets a rule do. */
export interface Rules {
  settings: Settings;
  here: Here;
  /** Tickets that one rule may have agents at work on at a time. */
  most: number;
}

/**
 * The run that a rule has opened, as it is drafted: with the profile of the ticket's scope, all that an agent may have, in the
 * name of who made the ticket. In words: why there can be none now.
 */
async function draft(
  { settings, here }: Rules,
  tx: Write,
  ticket: Ticket,
  rule: RaciRule,
  id: string,
): Promise<Run | string> {
  try {
    return await draftRun(settings, here, tx, ticket, {
      id,
      taskType: 'ticket_resolution',
      profileId: null,
      harness: null,
      model: rule.autoAgentModel,
      prompt: rule.autoAgentPrompt,
      scopes: agentScopes,
      wanted: null,
      by: ticket.createdBy,
    });
  } catch (e) {
    if (e instanceof Invalid || e instanceof Conflict) return e.message;
    throw e;
  }
}

/**
 * Has the best of the rules set an agent to work on a ticket that is new: takes a place among those that the rule may have at
 * work (`by.most`), with its note and its entry; who calls starts the run. A repeat finds the place. Rules hold for tickets that
 * were made after them.
 */
export async function assign(tx: Write, ticket: Ticket, by: Rules): Promise<Assignment> {
  const rules = (await autoRules(tx)).filter((r) => Date.parse(r.createdAt) <= Date.parse(ticket.createdAt));
  const taken = await autoAssignmentOf(tx, ticket.id);
  if (!rules.length && !taken) return skipped('no_enabled_policy');
  if (taken) {
    const rule = await heldRaciRule(tx, { id: taken.ruleId });
    if (!rule || taken.givenUp !== null) return skipped(taken.givenUp ?? 'no_enabled_policy');
    const row = await runs.byId(tx, taken.runId);
    const run = row ?? (await draft(by, tx, ticket, rule, taken.runId));
    if (typeof run === 'string') return skipped(run);
    return { status: 'assigned', rule, score: taken.score, run, stands: row !== null };
  }
  if (closedStatuses.includes(ticket.status)) return skipped('ticket_closed');
  if (ticket.runId !== null) return skipped('ticket_has_agent');
  if ((await aliveRuns(tx, ticket.id)).length) return skipped('active_agent');
  const best = bestOf(rules, ticket);
  if (!best) return skipped('no_matching_policy');
  // Held, so that of two tickets at once one takes the last place.
  const rule = await heldRaciRule(tx, { id: best.rule.id });
  if (!rule?.enabled || !rule.autoAssignAgent) return skipped('no_matching_policy');
  if ((await atWorkFor(tx, rule.id, ticket.id)) >= by.most) return skipped('auto_assignment_capacity_reached');
  const runId = v5('auto-assignment', ticket.id);
  const run = await draft(by, tx, ticket, rule, runId);
  await takePlace(tx, ticket.id, { ruleId: rule.id, runId, score: best.score });
  if (typeof run === 'string') {
    await giveUpPlace(tx, ticket.id, run);
    tx.log({
      kind: 'ticket.auto_assignment_failed',
      actor: system,
      subject: { kind: 'ticket', id: ticket.id },
      transition: 'auto-assignment',
      ticketId: ticket.id,
      decision: 'deny',
      reason: run,
      body: { ticket_id: ticket.number, rule_id: rule.number },
    });
    return skipped(run);
  }
  await writeNote(tx, {
    ticketId: ticket.id,
    key: 'auto-assignment',
    source: 'auto-assignment',
    author: system.name,
    actor: system,
    body: `The rule ${rule.name} sets an agent to work on this ticket (score ${best.score}).`,
    externalRef: `raci_rule:${rule.number}`,
  });
  tx.log({
    kind: 'ticket.auto_assigned',
    actor: system,
    subject: { kind: 'ticket', id: ticket.id },
    transition: 'auto-assignment',
    ticketId: ticket.id,
    body: { ticket_id: ticket.number, rule_id: rule.number, rule: rule.name, score: best.score },
  });
  return { status: 'assigned', rule, score: best.score, run, stands: false };
}
