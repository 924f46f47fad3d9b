import { NotFound } from '../domain/errors';
import {
  cut,
  evidenceLimits,
  type Evidence,
  type EvidenceChange,
  type EvidenceLimit,
  type EvidenceLimits,
} from '../domain/evidence';
import { nameless } from '../domain/personal';
import { sharedTerms, termsOf } from '../domain/terms';
import type { Ticket } from '../domain/ticket';
import { evidenceTasks } from './evidence-tasks';
import { articles, blueprints, postmortems } from './learning';
import { notes, attachments, tickets } from './tickets';
import type { Read } from './tx';

const allowed = (limits: EvidenceLimits, name: EvidenceLimit): number => {
  const { usual, most } = evidenceLimits[name];
  return Math.max(0, Math.min(limits[name] ?? usual, most));
};

/** How many of a ticket's rows a table holds: what the answer leaves out is said. */
const count = async (
  tx: Read,
  table: 'ticket_notes' | 'attachments' | 'gates' | 'log',
  ticketId: string,
): Promise<number> => {
  const { rows } = await tx.query<{ n: number }>(`select count(*) as n from ${table} where ticket_id = $1`, [ticketId]);
  return rows[0]?.n ?? 0;
};

const orNull = (text: string | null, most: number): string | null => (text === null ? null : cut(text, most));

async function changesOf(tx: Read, ticketId: string, limit: number): Promise<EvidenceChange[]> {
  const { rows } = await tx.query<
    Record<string, string | null> & { number: number; agent: number | null; asked: Date; decided: Date | null }
  >(
    `select g.number, r.number as agent, g.action, g.target, g.status, g.risk_level, g.reason, g.result,
       g.requested_by ->> 'name' as requester, g.decided_by ->> 'name' as decider, g.decision_reason,
       g.requested_at as asked, g.decided_at as decided
     from gates g left join runs r on r.id = g.run_id where g.ticket_id = $1 order by g.number desc limit $2`,
    [ticketId, limit],
  );
  return rows.reverse().map((g) => ({
    id: g.number,
    agent_id: g.agent,
    action: g['action'] ?? '',
    target: g['target'] ?? '',
    status: g['status'] ?? '',
    risk_level: g['risk_level'] ?? '',
    reason: orNull(g['reason'] ?? null, 260),
    result: orNull(g['result'] ?? null, 360),
    requested_by: g['requester'] ?? '',
    approved_by: g['decider'] ?? null,
    rejected_reason: g['status'] === 'rejected' ? orNull(g['decision_reason'] ?? null, 260) : null,
    requested_at: g.asked.toISOString(),
    approved_at: g.decided?.toISOString() ?? null,
    waited_seconds: g.decided ? Math.round((g.decided.getTime() - g.asked.getTime()) / 1000) : null,
  }));
}

async function auditOf(tx: Read, ticketId: string, limit: number): Promise<Evidence['audit']> {
  const { rows } = await tx.query<{
    seq: number;
    kind: string;
    actor: { name: string };
    subject_kind: string;
    subject_id: string;
    body: unknown;
    at: Date;
  }>(
    'select seq, kind, actor, subject_kind, subject_id, body, at from log where ticket_id = $1 order by seq desc limit $2',
    [ticketId, limit],
  );
  return rows.reverse().map((e) => ({
    id: e.seq,
    action: e.kind,
    actor: nameless(e.actor.name),
    target: `${e.subject_kind}:${e.subject_id}`,
    details: cut(nameless(JSON.stringify(e.body)), 260),
    created_at: e.at.toISOString(),
  }));
}

/** Those that hold most of the terms; when none holds any, the newest few. `items` come newest first. */
function ranked<T>(
  items: readonly T[],
  terms: readonly string[],
  text: (item: T) => string,
  limit: number,
  few: number,
): T[] {
  const hits = items.map((item) => ({ item, hits: sharedTerms(terms, text(item)).length })).filter((i) => i.hits > 0);
  if (hits.length === 0) return items.slice(0, Math.min(few, limit));
  return hits.sort((a, b) => b.hits - a.hits).slice(0, limit).map((i) => i.item); // prettier-ignore
}

async function known(
  tx: Read,
  ticket: Ticket,
  terms: readonly string[],
  limits: { workflows: number; articles: number },
) {
  const workflows = await blueprints.list(
    tx,
    `where status in ('active', 'tested') and (ticket_class is null or lower(ticket_class) = lower($1)) order by number desc limit 200`,
    [ticket.ticketClass],
  );
  const read = await articles.list(tx, 'where enabled order by number desc limit 200', []);
  return {
    workflows: ranked(workflows, terms, (w) => `${w.name} ${w.description} ${w.blueprint}`, limits.workflows, 2).map(
      (w) => ({
        id: w.number,
        name: w.name,
        workflow_key: w.workflowKey,
        version: w.version,
        status: w.status,
        description: cut(w.description, 260),
        blueprint: cut(w.blueprint, 500),
        test_plan: cut(w.testPlan, 240),
      }),
    ),
    knowledge_articles: ranked(read, terms, (a) => `${a.title} ${a.body}`, limits.articles, 1).map((a) => ({
      id: a.number,
      title: cut(a.title, 240),
      body: cut(a.body, 420),
      tags: a.tags,
    })),
  };
}

const ticketOf = async (tx: Read, numberOrId: number | string): Promise<Ticket> => {
  const found = await (typeof numberOrId === 'number'
    ? tickets.byNumber(tx, numberOrId)
    : tickets.byId(tx, numberOrId));
  if (!found) throw new NotFound(`no ticket ${numberOrId}`);
  return found;
};

/** What is on record about the work on a ticket, compact: for agents, and for the postmortem that is derived from it. @throws NotFound */
export async function postmortemEvidence(
  tx: Read,
  numberOrId: number | string,
  limits: EvidenceLimits = {},
): Promise<Evidence> {
  const ticket = await ticketOf(tx, numberOrId);
  const limit = (name: EvidenceLimit): number => allowed(limits, name);
  const terms = termsOf(`${ticket.title} ${ticket.description} ${ticket.ticketClass}`, { min: 4, limit: 10 });
  const noted = await notes.list(tx, 'where ticket_id = $1 order by number desc limit $2', [
    ticket.id,
    limit('max_notes'),
  ]);
  const files = await attachments.list(tx, 'where ticket_id = $1 order by number desc limit $2', [
    ticket.id,
    limit('max_attachments'),
  ]);
  const changes = await changesOf(tx, ticket.id, limit('max_changes'));
  const { tasks, total } = await evidenceTasks(tx, ticket.id, {
    tasks: limit('max_tasks'),
    logLines: limit('task_log_lines'),
  });
  const earlier = await postmortems.list(tx, 'where ticket_id = $1 order by number desc limit $2', [
    ticket.id,
    limit('max_postmortems'),
  ]);
  const audit = await auditOf(tx, ticket.id, limit('max_audit'));
  return {
    ticket: {
      id: ticket.number,
      title: ticket.title,
      description: cut(ticket.description, 1_000),
      ticket_class: ticket.ticketClass,
      status: ticket.status,
      priority: ticket.priority,
      assignee_team: ticket.assigneeTeam,
      created_at: ticket.createdAt,
      updated_at: ticket.updatedAt,
    },
    notes: noted.reverse().map((n) => ({
      id: n.number,
      source: n.source,
      author: n.author,
      body: cut(n.body, 360),
      created_at: n.createdAt,
    })),
    attachments: files.reverse().map((f) => ({
      id: f.number,
      filename: f.filename,
      content_type: f.contentType,
      size_bytes: f.sizeBytes,
      sha256: f.sha256,
      metadata: JSON.stringify(f.metadata).length > 500 ? cut(JSON.stringify(f.metadata), 500) : f.metadata,
      created_at: f.createdAt,
    })),
    change_requests: changes,
    agent_tasks: tasks,
    cicd_runs: [],
    postmortems: earlier.reverse().map((p) => ({
      id: p.number,
      status: p.status,
      summary: cut(p.summary, 500),
      improvements: cut(p.improvements, 500),
      created_at: p.createdAt,
    })),
    ...(await known(tx, ticket, terms, { workflows: limit('max_workflows'), articles: limit('max_articles') })),
    audit,
    evidence_terms: terms,
    guidance: {
      cite: 'Name the note, change, agent step or observation behind every statement; leave out what none of them says.',
      shown: {
        notes: { shown: noted.length, total: await count(tx, 'ticket_notes', ticket.id) },
        attachments: { shown: files.length, total: await count(tx, 'attachments', ticket.id) },
        change_requests: { shown: changes.length, total: await count(tx, 'gates', ticket.id) },
        agent_tasks: { shown: tasks.length, total },
        audit: { shown: audit.length, total: await count(tx, 'log', ticket.id) },
      },
    },
  };
}
