// As much of iTop's data model as is asked for here: classes and their attributes, stimuli, how priorities come about.

export const requests = ['Incident', 'UserRequest'];
const changes = ['RoutineChange', 'NormalChange', 'EmergencyChange'];
export const known: Record<string, string[]> = {
  ...Object.fromEntries(requests.map((c) => [c, ['title', 'description', 'status', 'org_id', 'caller_id', 'caller_name', 'impact', 'urgency', 'priority', 'agent_id', 'agent_name', 'team_id', 'team_name', 'public_log', 'private_log', 'resolution_code', 'solution']])),
  ...Object.fromEntries(changes.map((c) => [c, ['title', 'description', 'status', 'org_id', 'caller_id', 'caller_name', 'agent_id', 'agent_name', 'team_id', 'team_name', 'private_log']])),
  Person: ['friendlyname', 'email'],
  Team: ['name'],
}; // prettier-ignore
export const isLog = (attribute: string): boolean => attribute.endsWith('_log');
/** Which states a stimulus leads from, and where to; what has to be given with it. */
export const stimuli: Record<string, { from: string[]; to: string; needs: string[]; only: string[] }> = {
  ev_assign: {
    from: ['new', 'pending', 'escalated_tto'],
    to: 'assigned',
    needs: ['team_id', 'agent_id'],
    only: requests,
  },
  ev_reassign: {
    from: ['assigned', 'escalated_ttr'],
    to: 'assigned',
    needs: ['team_id', 'agent_id'],
    only: requests,
  },
  ev_resolve: { from: ['assigned', 'escalated_ttr'], to: 'resolved', needs: [], only: requests },
  ev_finish: { from: ['implemented', 'monitored'], to: 'closed', needs: [], only: changes },
};
export const matrix: Record<string, string> = { '1/1': '1', '1/2': '1', '1/3': '2', '1/4': '4', '2/1': '1', '2/2': '2', '2/3': '3', '2/4': '4', '3/1': '2', '3/2': '3', '3/3': '3', '3/4': '4' }; // prettier-ignore
