import type { Seeded } from './seed';

export interface Question {
  what: string;
  paths: string[];
  /** False: shown beside, without a target. */
  judged: boolean;
}

const pageSize = 20;
/** Neighbouring pages, so that no two requests in a row are the same. */
const near = (offset: number): number[] => Array.from({ length: 10 }, (_, i) => offset + i * pageSize);

/** Pages of twenty at both ends and in the middle; filters at both ends. */
export function questions({ firstTicket, agentIds, tools }: Seeded, count: number): Question[] {
  const pages = (what: string, path: string, total: number, middle = false): Question[] => {
    const at = (offsets: number[]): string[] => offsets.map((o) => `${path}limit=${pageSize}&offset=${o}`);
    return [
      { what: `${what}, first pages`, paths: at(near(0)), judged: true },
      ...(middle ? [{ what: `${what}, middle`, paths: at(near(Math.floor(total / 2))), judged: false }] : []),
      { what: `${what}, last pages`, paths: at(near(total - 10 * pageSize)), judged: true },
    ];
  };
  // One of 51 is another tenant's (seed.ts), and none of those is asked for.
  const places = Array.from({ length: 997 }, (_, i) => 1 + ((i * 7919) % count)).filter((place) => place % 51 !== 0);
  const tickets = places.map((place) => firstTicket + place - 1);
  const agent = agentIds[3] ?? '';
  return [
    ...pages('tickets', '/api/tickets?', count, true),
    ...pages('tickets by status', '/api/tickets?status=in_progress&', Math.floor(count / 12), true),
    { what: 'ticket context', paths: tickets.map((n) => `/api/tickets/${n}/context`), judged: true },
    ...pages('changes', '/api/changes?', count, true),
    ...pages('changes by status', '/api/changes?status=pending&', Math.floor(count / 5), true),
    { what: 'changes of a ticket', paths: tickets.map((n) => `/api/changes?ticket_id=${n}`), judged: true },
    ...pages('audit', '/audit/logs?', count, true),
    ...pages('audit by tool', `/audit/logs?tool=${tools[1]}&`, Math.floor(count / 12), true),
    ...pages('audit by decision', '/audit/logs?decision=deny&', Math.floor(count / 4), true),
    ...pages('audit by agent and action', `/audit/logs?agent_id=${agent}&action=execute_tool&`, Math.floor(count / 20)),
    ...pages('audit by action and day', '/audit/logs?action=note_added&start_date=2020-01-01&', Math.floor(count / 10)),
  ];
}
