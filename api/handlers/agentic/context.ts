import { accessOfTicket } from '../../../db/access-queries';
import { gatesOfTicket } from '../../../db/changes';
import { blueprints, postmortems, skills } from '../../../db/learning';
import { checkpointsOf, type Checkpoint } from '../../../db/checkpoints';
import { runsOfTicket } from '../../../db/run-queries';
import { articlesWith, ticketsWith } from '../../../db/search';
import { steeringOfTicket } from '../../../db/steering-queries';
import type { TicketView } from '../../../db/ticket-queries';
import { attachments, notes } from '../../../db/tickets';
import type { Read } from '../../../db/tx';
import { cut } from '../../../domain/evidence';
import { termsOf } from '../../../domain/terms';
import { workflowKey } from '../../../domain/workflow-key';
import { rank } from '../../../pipeline/tools/similar';
import type { Ctx } from '../../kernel';
import { modelTurnEvents } from './model-turn-views';
import { accessView, attachmentView, noteView, steeringView, taskView, ticketView } from './ticket-views';
import { changeView } from './views';

const most = {
  notes: 100,
  attachments: 100,
  changes: 100,
  access: 100,
  tasks: 20,
  checkpoints: 20,
  modelTurns: 120,
  steering: 30,
  known: 10,
  related: 25,
  skills: 100,
};
const textChars = 4_000;

/** What is known that may help: other tickets, articles and learned workflows that speak of the same, and skills for all. */
async function knownOf(ctx: Ctx, tx: Read, ticket: TicketView) {
  const { title, description, ticketClass } = ticket;
  const terms = termsOf(`${title} ${description}`, { limit: 40 });
  const key = workflowKey({ explicit: null, ticketClass, texts: [title, description] });
  const [living, others, found, general] = await Promise.all([
    blueprints.list(tx, `where status <> 'superseded' order by number desc limit 500`, []),
    // A credential that is bound to one ticket sees no other.
    ctx.principal.ticketId === null ? ticketsWith(tx, ticket.id, terms, most.related) : [],
    articlesWith(tx, terms, 50),
    skills.list(tx, 'where enabled and assigned_to_all order by name limit $1', [most.skills]),
  ]);
  const fitting = rank(terms, living, (w) => `${w.name} ${w.workflowKey} ${w.description}`, most.known);
  const workflows = [...living.filter((w) => w.workflowKey === key), ...fitting.map((f) => f.item)];
  const related = rank(terms, others, (t) => `${t.title} ${t.description}`, most.known);
  const articles = rank(terms, found, (a) => `${a.title} ${a.body}`, most.known);
  return {
    related_tickets: related.map(({ item, score }) => ({
      id: item.number,
      title: item.title,
      status: item.status,
      score,
    })),
    knowledge_articles: articles.map(({ item }) => ({
      id: item.number,
      title: item.title,
      body: cut(item.body, textChars),
    })),
    workflows: [...new Set(workflows)].slice(0, most.known).map((w) => ({
      id: w.number,
      name: w.name,
      workflow_key: w.workflowKey,
      version: w.version,
      status: w.status,
      description: cut(w.description, textChars),
      blueprint: cut(w.blueprint, textChars),
    })),
    skills: general.map((s) => ({ id: s.number, name: s.name, description: s.description, category: s.category })),
  };
}

/** Everything that an agent is told of a ticket, each list bounded. */
export async function contextOf(ctx: Ctx, tx: Read, ticket: TicketView) {
  const { id, number } = ticket;
  const tasks = async () => {
    const runs = await runsOfTicket(tx, id, most.tasks);
    const checkpoints = runs.length ? await checkpointsOf(tx, runs.map((r) => r.id), most.checkpoints) : new Map<string, Checkpoint[]>(); // prettier-ignore
    return {
      tasks: runs.map((r) => taskView(r, checkpoints.get(r.id) ?? [])),
      model_turn_events: await modelTurnEvents(tx, runs, most.modelTurns),
    };
  };
  const [noted, files, gates, access, tasked, steering, lessons, known] = await Promise.all([
    notes.list(tx, 'where ticket_id = $1 order by number desc limit $2', [id, most.notes]),
    attachments.list(tx, 'where ticket_id = $1 order by number desc limit $2', [id, most.attachments]),
    gatesOfTicket(tx, id, most.changes),
    accessOfTicket(tx, id, most.access),
    tasks(),
    steeringOfTicket(tx, id, most.steering),
    postmortems.list(tx, 'where ticket_id = $1 order by number desc limit $2', [id, most.known]),
    knownOf(ctx, tx, ticket),
  ]);
  const noteNumbers = new Map(noted.map((n) => [n.id, n.number]));
  return {
    ticket: ticketView(ticket),
    notes: noted.reverse().map((n) => noteView(n, number)),
    attachments: files.reverse().map((a) => attachmentView(a, number, noteNumbers)),
    change_requests: gates.map((g) => changeView(ctx, g)),
    access_requests: access.map((a) => accessView(ctx, a)),
    ...tasked,
    steering_events: steering.map(steeringView),
    postmortems: lessons.map((p) => ({
      id: p.number,
      status: p.status,
      summary: cut(p.summary, textChars),
      improvements: cut(p.improvements, textChars),
      created_at: p.createdAt,
    })),
    ...known,
  };
}
