import type { Actor } from './principal';

/** What each type of rule is about: the field of its threshold, its unit, and the values that it may have. */
export const ruleTypes = {
  /** The agent's newest runs failed, that many in a row. */
  consecutive_failures: { field: 'max_failures', whole: true, min: 1, max: 10_000 },
  /** The agent's last run took longer than that, or one under way does. */
  duration_exceeded: { field: 'max_duration_ms', whole: true, min: 1, max: 31 * 24 * 3_600_000 },
  /** No run of the agent began or ended for longer than that. */
  no_run_since: { field: 'max_gap_minutes', whole: false, min: 0.1, max: 366 * 24 * 60 },
  /** Of the agent's last runs, a larger share failed. */
  error_rate: { field: 'max_error_rate', whole: false, min: 0, max: 0.99 },
} as const satisfies Record<string, { field: string; whole: boolean; min: number; max: number }>;
export type RuleType = keyof typeof ruleTypes;
export const ruleTypeNames = Object.keys(ruleTypes) as [RuleType, ...RuleType[]];

/** An error rate is of so many ended runs, the newest; fewer than the least say nothing. */
export const rateOf = { runs: 20, least: 5 } as const;

export interface AlertRule {
  id: string;
  tenantId: string;
  ruleType: RuleType;
  /** In the unit of its type. */
  threshold: number;
  /** Null: every registered agent. */
  agentName: string | null;
  /** Null, `log`, or a URL. */
  notifyChannel: string | null;
  enabled: boolean;
  createdBy: Actor;
  createdAt: string;
}

/** Whether somebody has been told. */
export const notifications = ['pending', 'delivered', 'failed'] as const;

/** One episode of a rule's condition, of one agent. */
export interface Alert {
  id: string;
  tenantId: string;
  ruleId: string;
  ruleType: RuleType;
  agentName: string;
  message: string;
  /** The runs that caused it, the newest of them. */
  runIds: string[];
  firedAt: string;
  /** When the condition no longer held; null while it does. */
  endedAt: string | null;
  acknowledgedAt: string | null;
  /** As they call themselves; who they are is the actor. */
  acknowledgedBy: string | null;
  acknowledgedActor: Actor | null;
  /** Null: nobody is to be told. */
  notification: (typeof notifications)[number] | null;
  notifyAttempts: number;
  notifyError: string | null;
  notifiedAt: string | null;
}

/** How an alert is told: where to is not for the log to say, as a URL may hold what only its receiver should know. */
export const viaOf = (channel: string | null): 'webhook' | 'log' | null =>
  channel === null ? null : /^https?:/i.test(channel) ? 'webhook' : 'log';
