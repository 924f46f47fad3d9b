import { gateNotices, noticesIn } from '../../db/gate-notices';
import { gates } from '../../db/gates';
import type { Outcome } from '../../db/notifications';
import type { Write } from '../../db/tx';
import { aboutGate } from '../../domain/gate-record';
import { system } from '../../domain/principal';

/** How telling a group of a change came out, for good; false when that is known already. */
export async function recordNoticed(tx: Write, noticeId: string, how: Outcome): Promise<boolean> {
  if (!(await noticesIn.settle(tx, noticeId, how))) return false;
  const notice = await gateNotices.byId(tx, noticeId);
  const gate = notice && (await gates.byId(tx, notice.gateId));
  if (!gate) throw new Error(`no gate for notice ${noticeId}`);
  tx.log({
    ...aboutGate(gate, { by: system, transition: `notice:${notice.id}` }),
    kind: how.delivered ? 'gate.noticed' : 'gate.unnoticed',
    decision: how.delivered ? 'allow' : 'error',
    reason: how.error,
    body: {
      change_id: gate.number,
      event: notice.event,
      n: notice.n,
      group_id: notice.groupId,
      attempts: notice.notifyAttempts,
    },
  });
  return true;
}
