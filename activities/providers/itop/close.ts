import { Refused, type Closing } from '../../../domain/provider';
import type { Lookups } from './lookups';
import { isRequest, parseFields } from './read';
import type { Rest, RestObject } from './rest';

const comment = 'wheelhouse';
/** As much as iTop takes for a solution. */
const mostChars = 240;

const said = (e: unknown, words: RegExp): e is Refused => e instanceof Refused && words.test(e.message);

/**
 * Resolves an incident or a request; one that nobody has yet is assigned before. A change goes through states that people
 * decide: it is finished where nothing but that is left, and left alone otherwise.
 */
export async function closeTicket(
  rest: Rest,
  look: Lookups,
  object: RestObject,
  how: Closing,
  signal: AbortSignal,
): Promise<'closed' | 'unsupported'> {
  const { status, team_id: teamId, agent_id: agentId } = parseFields(object);
  const apply = (stimulus: string, fields: Record<string, string>) =>
    rest(
      'core/apply_stimulus',
      { class: object.class, key: object.key, stimulus, comment, output_fields: 'id,status', fields },
      signal,
    );
  if (status === 'closed' || status === 'resolved' || status === 'rejected') return 'closed';
  if (!isRequest(object.class)) {
    if (status !== 'implemented' && status !== 'monitored') return 'unsupported';
    await apply('ev_finish', {});
    return 'closed';
  }
  const resolution = { resolution_code: 'assistance', solution: how.solution.slice(0, mostChars).toWellFormed() };
  const resolve = () =>
    apply('ev_resolve', resolution).catch((e: unknown) => {
      // Data models differ: one without these attributes resolves without them.
      if (said(e, /unknown attribute/i)) return apply('ev_resolve', {});
      throw e;
    });
  try {
    await resolve();
  } catch (e) {
    if (!said(e, /invalid stimulus/i)) throw e;
    await apply('ev_assign', await look.holders({ teamId, agentId }, how, signal));
    await resolve();
  }
  return 'closed';
}
