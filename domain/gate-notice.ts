import type { Gate } from './gate';
import { approvers, namesIn } from './quorum';

// What a group is told of a change that waits for it.

export const noticeEvents = ['gate.requested', 'gate.reminded', 'gate.escalated'] as const;
export type NoticeEvent = (typeof noticeEvents)[number];
export const isNoticeEvent = (kind: string): kind is NoticeEvent => noticeEvents.some((e) => e === kind);

export const noticeStates = ['pending', 'delivered', 'failed', 'moot'] as const;

export interface GateNotice {
  id: string;
  tenantId: string;
  gateId: string;
  groupId: string;
  event: NoticeEvent;
  /** Which of its kind, from 1. */
  n: number;
  /** What is sent, the same bytes at every attempt. */
  payload: string;
  notification: (typeof noticeStates)[number];
  notifyAttempts: number;
  notifyError: string | null;
  notifiedAt: string | null;
  createdAt: string;
}

type Asked = Pick<Gate, 'rule' | 'accessRequestId' | 'approvalPolicy'>;

/** Whether there can be a group that is told of it: one that decides, or that the access is asked of. */
export const mayBeTold = ({ rule, accessRequestId }: Asked): boolean => rule !== null || accessRequestId !== null;

/** The names of the groups that are told: whom the change was asked of; when it is escalated, whom it is escalated to. */
export function toldOf({ rule, accessRequestId, approvalPolicy }: Asked, event: NoticeEvent): string[] {
  const asked = rule ? namesIn(rule.needs) : [];
  const owner = accessRequestId === null ? null : approvalPolicy['assignment_group'];
  const escalatedTo = rule?.escalate ? namesIn(rule.escalate.needs) : [];
  if (event === 'gate.escalated') return [...new Set(escalatedTo)];
  return [...new Set([...asked, ...(typeof owner === 'string' ? [owner] : [])])];
}

/** The body of the message, of `at`; `canDecide`: as it stood then, by name. */
export const noticePayload = (
  gate: Gate,
  {
    event,
    n,
    group,
    at,
    canDecide,
  }: { event: NoticeEvent; n: number; group: string; at: string; canDecide: string[] | null },
): string =>
  JSON.stringify({
    type: event,
    timestamp: at,
    data: {
      change_id: gate.number,
      group,
      n,
      action: gate.action,
      target: gate.target,
      reason: gate.reason,
      risk_level: gate.riskLevel,
      requested_by: gate.requestedBy.name,
      quorum: gate.rule?.text ?? null,
      can_decide: canDecide ?? (gate.rule ? approvers(gate.rule, false).map((p) => p.name) : null),
      expires_at: gate.expiresAt,
    },
  });
