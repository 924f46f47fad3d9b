import { promptOf } from '../cluster/plan';
import type { Random } from '../random';
import type { Acknowledged } from './caller';

type Post = (path: string, body: object, key: string) => Promise<Acknowledged>;

/**
 * What one caller does: an agent with effects and perhaps a proposal, or a change that is decided twice, opposite ways.
 * The same chance makes the same calls in the same order.
 * @throws Error for an answer that no caller may get
 */
export async function life(
  { token, approver }: { token: string; approver: string },
  chance: Random,
  post: Post,
): Promise<void> {
  const ticket = Number((await post('/api/tickets', { title: 'crash', auto_assign: false }, token)).body['id']);
  if (chance.fraction() < 0.5) {
    const prompt = promptOf({ effects: 2, slow: chance.below(2), reads: 1, propose: chance.fraction() < 0.3 });
    await post(`/api/tickets/${ticket}/assign-agent`, { prompt }, token);
    await post(`/api/tickets/${ticket}/notes`, { body: 'look again' }, token);
    return;
  }
  const asked = await post('/api/changes/request', { ticket_id: ticket, action: 'a', target: 't' }, token);
  const id = Number(asked.body['change_id']);
  const verdicts = chance.fraction() < 0.5 ? (['approve', 'reject'] as const) : (['reject', 'approve'] as const);
  const heard = await Promise.all(verdicts.map((v) => post(`/api/changes/${id}/${v}`, {}, approver)));
  const stand = heard.filter((h) => h.status < 300);
  if (stand.length > 1 || heard.some((h) => h.status >= 300 && h.status !== 409))
    throw new Error(`change ${id}: ${heard.map((h, i) => `${verdicts[i]} ${h.status}`).join(', ')}`);
  if (stand.length === 0) throw new Error(`change ${id}: both of its decisions were refused`);
  if (heard[verdicts.indexOf('approve')]?.status === 200)
    await post(`/api/changes/${id}/complete`, { result: 'done' }, token);
}
