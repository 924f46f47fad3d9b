import type { Actor } from './principal';

export const agentStatuses = ['ACTIVE', 'PAUSED', 'ERROR', 'DISABLED'] as const;
export type AgentStatus = (typeof agentStatuses)[number];

/** What keeps an agent from what its status would let it do: nothing of it passes; it may call less often; nothing, until people have looked. */
export const restrictions = ['SUSPENDED', 'THROTTLED', 'QUARANTINED'] as const;
export type Restriction = (typeof restrictions)[number];
/** What the audit door calls how an agent stands. */
export const doorStatuses = ['ACTIVE', 'INACTIVE', 'TERMINATED', ...restrictions] as const;
export const doorRiskLevels = ['low', 'medium', 'high', 'critical'] as const;
export type DoorStatus = (typeof doorStatuses)[number];

/** What that is to the other doors: one that is throttled works, one that is held does not. */
export function standingOf(shown: DoorStatus): { status: AgentStatus; restriction: Restriction | null } {
  if (shown === 'TERMINATED') return { status: 'DISABLED', restriction: null };
  if (shown === 'ACTIVE') return { status: 'ACTIVE', restriction: null };
  if (shown === 'INACTIVE') return { status: 'PAUSED', restriction: null };
  return { status: shown === 'THROTTLED' ? 'ACTIVE' : 'PAUSED', restriction: shown };
}

export const agentTypes = ['cron_report', 'real_time_responder', 'scheduled_task', 'error_handler'] as const;
export type AgentType = (typeof agentTypes)[number];

/** managed_agents: its runs are workflows here. external: it runs elsewhere and reports. */
export const runtimes = ['managed_agents', 'external'] as const;
export type Runtime = (typeof runtimes)[number];

/** Who works: one row for all doors. */
export interface Agent {
  id: string;
  tenantId: string;
  number: number;
  /** Unique among those that are there. */
  name: string;
  displayName: string | null;
  description: string;
  agentType: AgentType;
  status: AgentStatus;
  harness: string;
  model: string | null;
  runtime: Runtime;
  /** A cron expression, read in the timezone. */
  schedule: string | null;
  timezone: string;
  /** What it can do; those that are a tool's name are what it may call. */
  capabilities: string[];
  configuration: Record<string, unknown>;
  lastRunAt: string | null;
  lastSuccessAt: string | null;
  lastFailureAt: string | null;
  consecutiveFailures: number;
  /** Of its definition; 0: none. */
  currentVersion: number;
  /** What it works on by itself. */
  ticketId: string | null;
  /** In whose name its schedule opens runs, and with which rights. */
  scheduledBy: Actor | null;
  scheduledScopes: string[];
  createdAt: string;
  updatedAt: string;
  deletedAt: string | null;
}

/** One that runs elsewhere and asks here before it calls a tool: it may call what it is granted. */
export const newExternalAgent = (of: Pick<Agent, 'id' | 'tenantId' | 'name' | 'description'>): Agent => ({
  ...of,
  number: 0,
  displayName: null,
  agentType: 'scheduled_task',
  status: 'ACTIVE',
  harness: 'external',
  model: null,
  runtime: 'external',
  schedule: null,
  timezone: 'UTC',
  capabilities: [],
  configuration: {},
  lastRunAt: null,
  lastSuccessAt: null,
  lastFailureAt: null,
  consecutiveFailures: 0,
  currentVersion: 0,
  ticketId: null,
  scheduledBy: null,
  scheduledScopes: [],
  createdAt: '',
  updatedAt: '',
  deletedAt: null,
});

/** What an agent goes by, whole: a version more with every change of it. */
export interface Definition {
  name?: string | undefined;
  system_prompt?: string | undefined;
  model?: string | undefined;
  capabilities?: string[] | undefined;
  harness?: 'embedded' | undefined;
  [more: string]: unknown;
}

/** Why nobody may give it a task now, wherever it works; null when they may. */
export const inactiveReason = (agent: Pick<Agent, 'name' | 'status'>): string | null =>
  agent.status === 'ACTIVE' ? null : `agent ${agent.name} is ${agent.status.toLowerCase()}: only an active one runs`;

/** Why nobody may have it run here now; null when they may. */
export function idleReason(agent: Pick<Agent, 'name' | 'status' | 'runtime'>): string | null {
  const inactive = inactiveReason(agent);
  if (inactive !== null) return inactive;
  if (agent.runtime === 'managed_agents') return null;
  return `agent ${agent.name} runs elsewhere (${agent.runtime}): only managed_agents run here`;
}

/** What carries its tasks out: one that is registered as working elsewhere takes them there. */
export const taskHarness = (agent: Pick<Agent, 'runtime' | 'harness'>): string =>
  agent.runtime === 'external' ? 'remote' : agent.harness;

/** The tools that its capabilities name. */
export const toolsOf = (capabilities: readonly string[]): string[] => [
  ...new Set(capabilities.filter((c) => /^[a-z][a-z0-9_-]*(\.[A-Za-z0-9_-]+)+$/.test(c))),
];

/** When an agent is to run by itself, as its row wants it; null: never. */
export interface WantedSchedule {
  expression: string;
  timezone: string;
  paused: boolean;
}
export function wantedSchedule(agent: Agent): WantedSchedule | null {
  if (agent.deletedAt !== null || agent.schedule === null || agent.runtime !== 'managed_agents') return null;
  return { expression: agent.schedule, timezone: agent.timezone, paused: agent.status !== 'ACTIVE' };
}

/** What a run is told: what its agent goes by, and what it was started with. */
export const promptOf = (definition: Definition | null, said: string | null): string | null =>
  [definition?.system_prompt, said].filter((text) => text != null && text !== '').join('\n\n') || null;

/** Why a run was started, in the words that it is told. */
export function triggerText(kind: 'manual' | 'scheduled', context: Record<string, unknown>): string {
  const lines = Object.entries(context).map(
    ([key, value]) => `${key}: ${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  return [`Started ${kind === 'manual' ? 'by hand' : 'by its schedule'}.`, ...lines].join('\n');
}
