import type { RemoteDraft } from '../../../domain/provider';
import { Refused } from '../../../domain/provider';
import type { Rest } from './rest';

interface Defaults {
  callerId: string | null;
  teamId: string | null;
  agentId: string | null;
}

export const nobody = (id: string | null | undefined): boolean =>
  id === null || id === undefined || id === '' || id === '0';

/** People and teams of iTop, by what is known of them here. */
export function lookups(rest: Rest, { callerId, teamId, agentId }: Defaults) {
  /** The first with that; what is looked for is data, and never part of a query. */
  const first = async (of: string, key: Record<string, string>, signal: AbortSignal): Promise<string | null> => {
    const { objects } = await rest('core/get', { class: of, key, output_fields: 'id' }, signal);
    return objects[0]?.key ?? null;
  };
  const person = (name: string, signal: AbortSignal) => first('Person', { friendlyname: name }, signal);
  const team = (name: string, signal: AbortSignal) => first('Team', { name }, signal);

  return {
    team,
    person,
    /** Who is set to get what has no team. */
    usualTeam: teamId,
    /** By e-mail, then by name; else who is set for it. @throws Refused when nobody is */
    async caller({ name, email }: RemoteDraft['requester'], signal: AbortSignal): Promise<string> {
      const known =
        (email === null ? null : await first('Person', { email }, signal)) ??
        (name === null ? null : await person(name, signal)) ??
        callerId;
      if (known === null) throw new Refused('iTop does not know the requester, and ITOP_DEFAULT_CALLER_ID is not set');
      return known;
    },
    async email(callerId: string | null, signal: AbortSignal): Promise<string | null> {
      if (nobody(callerId)) return null;
      const { objects } = await rest('core/get', { class: 'Person', key: callerId, output_fields: 'email' }, signal);
      const email = objects[0]?.fields['email'];
      return typeof email === 'string' && email !== '' ? email : null;
    },
    /** Who gets the ticket: who has it there, who has it here, else who is set for it. @throws Refused when nobody is */
    async holders(
      there: { teamId: string | null | undefined; agentId: string | null | undefined },
      here: { assignee: string | null; assigneeTeam: string | null },
      signal: AbortSignal,
    ): Promise<{ team_id: string; agent_id: string }> {
      const named = {
        team: here.assigneeTeam === null ? null : await team(here.assigneeTeam, signal),
        agent: here.assignee === null ? null : await person(here.assignee, signal),
      };
      const team_id = nobody(there.teamId) ? (named.team ?? teamId) : (there.teamId ?? null);
      const agent_id = nobody(there.agentId) ? (named.agent ?? agentId) : (there.agentId ?? null);
      if (team_id === null || agent_id === null)
        throw new Refused(
          'nobody has the ticket in iTop, and iTop knows neither its team and assignee here nor those of ITOP_DEFAULT_TEAM_ID and ITOP_DEFAULT_AGENT_ID',
        );
      return { team_id, agent_id };
    },
  };
}
export type Lookups = ReturnType<typeof lookups>;
