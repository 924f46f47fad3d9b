import { Refused } from '../../../domain/provider';
import { nobody, type Lookups } from './lookups';
import { isRequest, parseFields } from './read';
import type { Rest, RestObject } from './rest';

const comment = 'wheelhouse';
const over = ['resolved', 'closed', 'rejected'];
/** By which stimulus somebody gets a request, from its state; from others there is none. */
const stimulusOf = (status: string): 'ev_assign' | 'ev_reassign' =>
  status === 'assigned' || status === 'escalated_ttr' ? 'ev_reassign' : 'ev_assign';

export interface Holders {
  assignee?: string;
  assigneeTeam?: string;
}

/**
 * Gives a ticket to the person and the team of those names. A request is given by a stimulus, which wants both: who is not
 * named is who has it there, else who is set for it. Answers what it was not given to: names that iTop does not know.
 */
export async function assignTicket(
  rest: Rest,
  look: Lookups,
  object: RestObject,
  { assignee, assigneeTeam }: Holders,
  signal: AbortSignal,
): Promise<(keyof Holders)[]> {
  const { status, team_id: teamId, agent_id: agentId } = parseFields(object);
  // Nobody gets what is over there.
  const isOver = over.includes(status ?? '');
  const agent = assignee === undefined || isOver ? null : await look.person(assignee, signal);
  const team = assigneeTeam === undefined || isOver ? null : await look.team(assigneeTeam, signal);
  const unknown: (keyof Holders)[] = [
    ...(assignee !== undefined && agent === null ? (['assignee'] as const) : []),
    ...(assigneeTeam !== undefined && team === null ? (['assigneeTeam'] as const) : []),
  ];
  if (agent === null && team === null) return unknown;
  const { class: of, key } = object;
  const write = (fields: Record<string, string>) =>
    rest('core/update', { class: of, key, comment, output_fields: 'id', fields }, signal);

  const holder = agent ?? (nobody(agentId) ? null : (agentId ?? null));
  const group = team ?? (nobody(teamId) ? look.usualTeam : (teamId ?? null));
  if (isRequest(of) && holder !== null && group !== null) {
    const fields = { team_id: group, agent_id: holder };
    await rest(
      'core/apply_stimulus',
      { class: of, key, stimulus: stimulusOf(status ?? ''), comment, output_fields: 'id,status', fields },
      signal,
    ).catch((e: unknown) => {
      // Data models differ, and so do the states from which a ticket is given to somebody.
      if (e instanceof Refused && /invalid stimulus/i.test(e.message)) return write(fields);
      throw e;
    });
  } else await write({ ...(team !== null && { team_id: team }), ...(agent !== null && { agent_id: agent }) });
  return unknown;
}
