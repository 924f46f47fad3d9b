import { z } from 'zod';
import { InstantSchema, JsonObject } from '../domain/common.schema';
import { trailLevels, trailSources } from '../domain/trail';
import { conditions } from './paging';
import { prepared } from './prepared';
import type { Read } from './tx';

/** Null matches everything; texts are parts of what they are compared with. */
export interface TrailFilter {
  /** The only ticket that the caller may see. */
  only: string | null;
  source: (typeof trailSources)[number] | null;
  actor: string | null;
  action: string | null;
  target: string | null;
  category: string | null;
  level: (typeof trailLevels)[number] | null;
  text: string | null;
  ticket: number | null;
  /** Of a run. */
  agent: number | null;
  limit: number;
}

const Row = z.object({
  source: z.enum(trailSources),
  id: z.int(),
  actor: z.string(),
  action: z.string(),
  target: z.string(),
  category: z.string(),
  level: z.enum(trailLevels),
  details: JsonObject,
  decision: z.string().nullable(),
  reason: z.string().nullable(),
  ticketNumber: z.int().nullable(),
  runNumber: z.int().nullable(),
  at: InstantSchema,
});
export type TrailRow = z.output<typeof Row>;

/** How far back a search looks that follows no ticket and no agent. */
export const trailDepth = 50_000;

/**
 * By the first word of a kind: what this door calls it, its category, whether it belongs to the audit (what people decided and
 * who got in) or is an event, and where its number stands in the body.
 */
const nouns: readonly (readonly [noun: string, word: string, category: string, source: 'audit' | 'event', key: string])[] = [
  ['gate', 'change', 'change', 'audit', 'change_id'],
  ['access_request', 'access_request', 'access', 'audit', 'access_request_id'],
  ['lease', 'lease', 'access', 'audit', 'lease_id'],
  ['static_site', 'static_site', 'deployment', 'audit', 'agent_id'],
  ['postmortem', 'postmortem', 'postmortem', 'audit', 'postmortem_id'],
  ['execution', 'execute', 'tool', 'audit', 'execution_id'],
  ['api_key', 'api_key', 'system', 'audit', 'key_id'],
  ['user', 'user', 'system', 'audit', 'user_id'],
  ['kill_switch', 'kill_switch', 'system', 'audit', 'tenant_id'],
  ['approver_group', 'approver_group', 'change', 'audit', 'group_id'],
  ['approval_rule', 'approval_rule', 'change', 'audit', 'rule_id'],
  ['raci_rule', 'raci_rule', 'intake', 'audit', 'rule_id'],
  ['run', 'agent', 'agent', 'event', 'agent_id'],
  ['agent', 'agent_definition', 'agent', 'event', 'agent_id'],
  ['steering', 'steering', 'agent', 'event', 'event_id'],
  ['ticket', 'ticket', 'ticket', 'event', 'ticket_id'],
  ['note', 'note', 'ticket', 'event', 'note_id'],
  ['attachment', 'attachment', 'ticket', 'event', 'attachment_id'],
  ['blueprint', 'workflow', 'workflow', 'event', 'workflow_id'],
  ['pipeline', 'workflow_run', 'workflow', 'event', 'run_id'],
  ['article', 'knowledge', 'knowledge', 'event', 'article_id'],
  ['skill', 'skill', 'knowledge', 'event', 'skill_id'],
  ['alert', 'alert', 'health', 'event', 'alert_id'],
  ['alert_rule', 'alert_rule', 'health', 'event', 'rule_id'],
]; // prettier-ignore

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;
const named = `(values ${nouns.map((n) => `(${n.map(quoted).join(', ')})`).join(', ')}) as n (noun, word, category, source, key)`;

/** What a text holds that Postgres cannot is not taken apart there. */
const escaped = `, strpos(body::text, '\\u0000') = 0 as whole`;

/** Entries under the names of this door; `l` is the log. */
const entries = `select coalesce(n.source, 'event') as source, l.seq as id,
    -- The log has a user's address sealed.
    coalesce(case when l.actor ->> 'kind' = 'user' then (select u.email from users u where u.id = (l.actor ->> 'id')::uuid) end,
      l.actor ->> 'name') as actor,
    case when l.kind like 'execution.%' then 'execute_tool'
      when l.kind = 'gate.completed' and l.actor ->> 'name' = 'agent-supervisor' then 'change_auto_completed'
      else replace(coalesce(n.word, split_part(l.kind, '.', 1)) || '.' || substr(l.kind, strpos(l.kind, '.') + 1), '.', '_')
    end as action,
    coalesce(l.tool, coalesce(n.word, l.subject_kind) || '_' || coalesce(case when l.whole then l.body ->> n.key end, l.subject_id)) as target,
    coalesce(n.category, 'system') as category,
    case when l.kind ~ '(failed|undelivered|contradicted)$' then 'error' when l.decision = 'deny' then 'warning' else 'info' end as level,
    l.body as details, l.decision, l.whole, l.reason, l.ticket_id, l.run_id, l.at`;
const noted = `select 'note' as source, l.number as id, l.author as actor, 'note_' || replace(l.source, '-', '_') as action,
    'ticket_' || t.number as target, 'ticket' as category, 'info' as level,
    json_build_object('note_source', l.source, 'visibility', l.visibility, 'external_ref', l.external_ref) as details,
    null as decision, true as whole, left(l.body, 2000) as reason, l.ticket_id, null::uuid as run_id, l.created_at as at`;

interface Looked {
  rows: TrailRow[];
  /** The whole of what there is was looked at. */
  complete: boolean;
}

/** Newest first. */
async function look(tx: Read, f: TrailFilter, of: { table: string; key: string; more: string; select: string; join: string; depth: number }): Promise<Looked> {
  const inner = conditions();
  inner.add((p) => `ticket_id = ${p}`, f.only);
  inner.add((p) => `ticket_id = (select id from tickets where number = ${p})`, f.ticket);
  inner.add((p) => (of.table === 'log' ? `run_id = (select id from runs where number = ${p})`
    : `ticket_id = (select ticket_id from runs where number = ${p}) and author = 'agent-' || ${p}::text`), f.agent);
  const outer = conditions(inner.params);
  const holds = (column: string, value: string | null): void =>
    outer.add((p) => `position(lower(${p}) in lower(${column})) > 0`, value);
  holds('e.actor', f.actor);
  holds('e.action', f.action);
  holds('e.target', f.target);
  holds('e.category', f.category);
  outer.add((p) => `e.level = ${p}`, f.level);
  outer.add((p) => `e.source = ${p}`, f.source);
  const term = /^([a-z_]+)_(\d{1,9})$/i.exec(f.text ?? '');
  const words = `lower(concat_ws(' ', e.actor, e.action, e.target, e.reason, e.details::text))`;
  if (term) {
    const [key, number] = [`${term[1]?.toLowerCase() ?? ''}_id`, Number(term[2])];
    const [t, k, n, x] = [f.text, key, number, `${term[1]?.toLowerCase() ?? ''}:${number}`].map((v) => `$${outer.params.push(v)}`);
    outer.and(`(position(lower(${t}::text) in ${words}) > 0 or (e.whole and (e.details ->> ${k}::text = ${n}::int::text or e.details ->> 'external_ref' = ${x}::text))
      or (${k}::text = 'ticket_id' and e.ticket_id = (select id from tickets where number = ${n}::int)))`);
  } else outer.add((p) => `position(lower(${p}) in ${words}) > 0`, f.text);
  const { rows } = await prepared<Record<string, unknown> & { looked: number }>(
    tx,
    `with newest as materialized (
         select *${of.more} from ${of.table} where ${inner.text()} order by ${of.key} desc limit ${of.depth}),
       found as (select e.* from (${of.select} from newest l ${of.join}) e where ${outer.text()} order by e.id desc
         limit $${outer.params.push(f.limit)})
     select found.source, found.id, found.actor, found.action,
       found.target,
       found.category, found.level, found.details, found.decision, found.reason, found.at, t.number as "ticketNumber",
       r.number as "runNumber", seen.looked
     from (select count(*)::int as looked from newest) seen left join found on true
       left join tickets t on t.id = found.ticket_id left join runs r on r.id = found.run_id
     order by found.id desc`,
    outer.params,
  );
  const found = rows.filter((row) => row['id'] !== null).map((row) => Row.parse(row));
  return { rows: found, complete: (rows[0]?.looked ?? 0) < of.depth };
} // prettier-ignore

/** The log and the notes of tickets as one list, newest first. `complete`: nothing older could have been missed. */
export async function auditTrail(tx: Read, f: TrailFilter): Promise<Looked> {
  const depth = trailDepth;
  const [log, notes] = await Promise.all([
    f.source === 'note'
      ? null
      : look(tx, f, { table: 'log', key: 'seq', more: escaped, select: entries, join: `left join ${named} on n.noun = split_part(l.kind, '.', 1)`, depth }),
    f.source !== null && f.source !== 'note'
      ? null
      : look(tx, f, { table: 'ticket_notes', key: 'number', more: '', select: noted, join: 'join tickets t on t.id = l.ticket_id', depth }),
  ]); // prettier-ignore
  const rows = [log, notes].flatMap((l) => l?.rows ?? []).sort((a, b) => Date.parse(b.at) - Date.parse(a.at));
  return { rows: rows.slice(0, f.limit), complete: [log, notes].every((l) => l === null || l.complete) };
}
