import { workingAgent } from '../db/agents';
import { spentByProfile } from '../db/model-turns';
import { runtimeOf } from '../db/runtime';
import type { Read } from '../db/tx';
import { promptOf } from '../domain/agent';
import { Conflict, Invalid } from '../domain/errors';
import { harnessEntry } from '../domain/harnesses';
import type { Actor } from '../domain/principal';
import { dailyOf, ofToday, usedUp } from '../domain/reasoner/budget';
import { newRun, type Run, type TaskType } from '../domain/run';
import { choose, profileOf, type Chosen, type RuntimeConfig, type Wanted, type Work } from '../domain/runtime';
import { wrongBudget } from '../domain/runtime-sound';
import { agentScopes } from '../domain/scopes';
import { closedStatuses, type Ticket } from '../domain/ticket';
import { workflowKey } from '../domain/workflow-key';
import { chosen, type Here, type Settings } from './chosen';

/** What a run is to be, beside the ticket that it is on. */
export interface Ask extends Wanted {
  /** Of the run: a repeat has the same. */
  id: string;
  taskType: TaskType;
  prompt: string | null;
  /** Cut down to what an agent may have. */
  scopes: readonly string[];
  /** Of what it may have, what is wanted; null: all of it. */
  wanted: readonly string[] | null;
  by: Actor;
}

/** The work as the assignments of profiles look at it. */
const workOf = (t: Ticket, taskType: TaskType): Work => ({
  workflow_key: workflowKey({ explicit: null, ticketClass: t.ticketClass, texts: [t.title, t.description] }),
  priority: t.priority,
  provider: t.provider,
  ticket_class: t.ticketClass,
  owning_group: t.owningGroup,
  assignee_team: t.assigneeTeam,
  security_classification: t.securityClassification,
  task_type: taskType,
});

/** What may take the place of a model that a harness does not have: what its profile, the active one and the settings say. */
const modelsFor = (config: RuntimeConfig, { harness, profileId }: Chosen): (string | null)[] => [
  ...[profileId ?? '', config.active_profile].map((id) => {
    const profile = profileOf(config, id);
    return profile?.harness === harness ? profile.model : null;
  }),
  ...(config.default_harness === harness ? [config.default_model] : []),
];

/** What was learned from a ticket is written down when it is closed as well. */
const afterwards: readonly TaskType[] = ['postmortem', 'workflow_build'];

/** @throws Conflict */
export function assertOpen(ticket: Ticket, taskType: TaskType): void {
  if (afterwards.includes(taskType) || !closedStatuses.includes(ticket.status)) return;
  throw new Conflict(`ticket ${ticket.number} is ${ticket.status}`, { status: ticket.status });
}

/** @throws Invalid for a budget of the run's own that cannot be kept, or is more than any run has */
function assertKept(ask: Ask, harness: string, { runBudget }: Settings): void {
  const own = { tokens: ask.budgetTokens ?? null, money: ask.budgetMoney ?? null };
  const [wrong] = wrongBudget(own, harness, runBudget, (part) => `budget_${part}`);
  if (wrong) throw new Invalid(`${wrong.field}: ${wrong.message}`, { field: wrong.field });
}

/** @throws Conflict where the runs of its profile have spent what they may today */
async function assertLeft(tx: Read, config: RuntimeConfig, profileId: string | null, harness: string): Promise<void> {
  if (profileId === null || harnessEntry(harness)?.kind !== 'model') return;
  const daily = dailyOf(profileOf(config, profileId));
  const used = daily && usedUp(ofToday(profileId), daily, await spentByProfile(tx, profileId));
  if (used !== null) throw new Conflict(used, { profile_id: profileId });
}

/**
 * The run as it is to be opened: with the profile that its work is routed to, unless another is named.
 * @throws Invalid for a profile, a harness, a model or a budget that there cannot be; Conflict where nobody may work
 */
export async function draftRun(settings: Settings, here: Here, tx: Read, ticket: Ticket, ask: Ask): Promise<Run> {
  const { config } = await runtimeOf(tx);
  const way = choose(config, ask, workOf(ticket, ask.taskType), here.available);
  const { agent: name, model: usual } = chosen(settings, here, way.harness, way.model);
  assertKept(ask, way.harness, settings);
  assertOpen(ticket, ask.taskType);
  await assertLeft(tx, config, way.profileId, way.harness);
  const working = await workingAgent(tx, name);
  if (!working) throw new Conflict(`the agent ${name} may not work here now`, { agent: name });
  const { agent, definition } = working;
  const may = agentScopes.filter((s) => ask.scopes.includes(s));
  return newRun(
    {
      id: ask.id,
      tenantId: tx.tenantId,
      agentId: agent.id,
      ticketId: ticket.id,
      taskType: ask.taskType,
      harness: way.harness,
      model: settings.commands.modelOf(way.harness, way.model ?? usual ?? agent.model, modelsFor(config, way)),
      profileId: way.profileId,
      runtime: way.runtime,
      prompt: promptOf(definition, ask.prompt),
      scopes: may.filter((s) => ask.wanted === null || ask.wanted.includes(s)),
      triggerKind: 'assigned',
      definitionVersion: agent.currentVersion || null,
      spawnedBy: ask.by,
    },
    new Date().toISOString(),
  );
}
