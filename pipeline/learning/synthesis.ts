import type { Evidence, EvidenceTask } from '../../domain/evidence';
import type { Postmortem } from '../../domain/learning';
import { lessonsOf } from './lessons';
import { bullets, duration, inOneLine, lastReport, ofAgent, ofChange, ofClaim, plural } from './traces';

/** The parts of a postmortem that the records can fill. */
export type Synthesis = Pick<
  Postmortem,
  'summary' | 'wentWell' | 'improvements' | 'workflowProposal' | 'documentation' | 'skillProposals' | 'testCases' | 'guardrails'
>; // prettier-ignore

/** A decision that took longer than this held the work up. */
const longWaitSeconds = 15 * 60;

const howItWent = (t: EvidenceTask): string => {
  const took = t.duration_seconds === null ? '' : ` in ${duration(t.duration_seconds)}`;
  return `agent ${t.agent_id} (${t.harness}) is ${t.status} after ${plural(t.steps.total, 'step')}${took} ${ofAgent(t)}`;
};

function summary(evidence: Evidence): string {
  const { ticket, agent_tasks, change_requests } = evidence;
  const last = lastReport(evidence);
  const told = [`${ticket.ticket_class} ${ticket.id} “${ticket.title}” is ${ticket.status} [ticket ${ticket.id}].`];
  if (agent_tasks.length === 0) told.push('No agent worked on it.');
  else told.push(`${plural(agent_tasks.length, 'agent')} worked on it: ${agent_tasks.map(howItWent).join('; ')}.`);
  if (last) {
    const { task, report } = last;
    const hypothesis = report.claims
      .filter((c) => c.kind === 'hypothesis')
      .sort((a, b) => b.confidence - a.confidence)[0];
    told.push(`Its last report makes ${plural(report.claims.length, 'claim')} ${ofAgent(task, report.step)}.`);
    if (hypothesis) {
      told.push(
        `Leading hypothesis (${Math.round(hypothesis.confidence * 100)}%): ${hypothesis.statement} ${ofClaim(task, report.step, hypothesis.cites)}`,
      );
    }
  }
  if (change_requests.length) {
    told.push(`Changes: ${change_requests.map((c) => `${c.action} ${c.status} ${ofChange(c)}`).join('; ')}.`);
  }
  return told.join(' ');
}

function wentWell(evidence: Evidence): string {
  const { agent_tasks, change_requests } = evidence;
  const last = lastReport(evidence);
  const lines: string[] = [];
  for (const task of agent_tasks) {
    if (task.steps.total && task.steps.refused.length === 0) {
      lines.push(
        `Every one of ${plural(task.steps.total, 'governed step')} passed the pipeline or was put to people ${ofAgent(task)}`,
      );
    }
    if (task.report?.steering_answered) {
      lines.push(
        `${plural(task.report.steering_answered, 'remark')} of people answered in the report ${ofAgent(task, task.report.step)}`,
      );
    }
  }
  if (last) {
    const { task, report } = last;
    const findings = report.claims.filter((c) => c.kind === 'finding').slice(0, 6);
    const untold = report.references.filter((r) => !findings.some((c) => c.statement.includes(r.title)));
    lines.push(...findings.map((c) => `${c.statement} ${ofClaim(task, report.step, c.cites)}`));
    lines.push(
      ...untold.map((r) => `Known ${r.kind} ${r.id} “${r.title}” was recognised ${ofAgent(task, report.step)}`),
    );
  }
  for (const c of change_requests) {
    if (c.approved_by === null || c.waited_seconds === null || c.waited_seconds > longWaitSeconds) continue;
    lines.push(`${c.action} was decided after ${duration(c.waited_seconds)} by ${c.approved_by} ${ofChange(c)}`);
  }
  return lines.length ? bullets(lines) : 'The records name nothing that went well.';
}

function improvements(evidence: Evidence): string {
  const { agent_tasks, change_requests } = evidence;
  const lines: string[] = [];
  for (const task of agent_tasks) {
    if (task.status === 'failed' || task.error_message) {
      lines.push(
        `Agent ${task.agent_id} ended ${task.status}: ${task.error_message ?? 'no reason on record'} ${ofAgent(task)}`,
      );
    }
    lines.push(
      ...task.steps.refused.map((s) => `${s.tool} was refused (${s.decision}): ${s.reason} ${ofAgent(task, s.step)}`),
    );
    lines.push(...task.steps.slow.map((s) => `${s.tool} took ${duration(s.seconds)} ${ofAgent(task, s.step)}`));
    const { report } = task;
    if (report) lines.push(...report.limits.map((limit) => `Missing: ${limit} ${ofAgent(task, report.step)}`));
    if (task.status === 'finished' && !report)
      lines.push(`Agent ${task.agent_id} finished without a report ${ofAgent(task)}`);
  }
  for (const c of change_requests) {
    if (c.status === 'rejected')
      lines.push(`${c.action} was rejected: ${c.rejected_reason ?? 'no reason given'} ${ofChange(c)}`);
    if (c.status === 'expired') lines.push(`${c.action} expired before it was decided or carried out ${ofChange(c)}`);
    if (c.waited_seconds === null && c.status === 'pending')
      lines.push(`${c.action} still waits for a decision ${ofChange(c)}`);
    if ((c.waited_seconds ?? 0) > longWaitSeconds)
      lines.push(`${c.action} waited ${duration(c.waited_seconds ?? 0)} ${ofChange(c)}`);
  }
  const unread = evidence.attachments.filter((a) => a.size_bytes === null);
  lines.push(...unread.map((a) => `The bytes of ${a.filename} were not in reach of the agents [attachment ${a.id}]`));
  if (agent_tasks.length === 0) lines.push(`Nothing was gathered by an agent [ticket ${evidence.ticket.id}]`);
  return lines.length
    ? bullets(lines)
    : 'The records name no refused or slow step, no missing evidence and no long wait.';
}

function documentation({ ticket, agent_tasks, change_requests, notes }: Evidence, reason: string | null): string {
  const part = (title: string, lines: string[]): string[] => (lines.length ? [`${title}:`, bullets(lines), ''] : []);
  return [
    `Derived from the records of ticket ${ticket.id}${reason ? `: ${reason}` : ''}.`,
    '',
    ...part('Agents', agent_tasks.map(howItWent)),
    ...part('Changes', change_requests.map((c) => {
      const by = c.approved_by ? `, decided by ${c.approved_by}` : '';
      return `${c.action} on ${c.target}: ${c.status}, asked by ${c.requested_by}${by}${c.result ? `, ${c.result}` : ''} ${ofChange(c)}`;
    })),
    ...part('Last notes', notes.slice(-8).map((n) => `${n.author}: ${inOneLine(n.body)} [note ${n.id}]`)),
  ].join('\n').trimEnd(); // prettier-ignore
}

/**
 * A postmortem out of the records alone: the same evidence gives the same text, and every statement names the agent,
 * step, change, note or observation that it rests on. `reason`: why it was asked for.
 */
export const synthesise = (evidence: Evidence, reason: string | null = null): Synthesis => ({
  summary: summary(evidence),
  wentWell: wentWell(evidence),
  improvements: improvements(evidence),
  documentation: documentation(evidence, reason),
  ...lessonsOf(evidence),
});
