import { workflowId } from '../../workflows/ids';
import type { Cluster, Part } from '../cluster/cluster';
import type { Watch } from '../cluster/link';
import { caller } from './caller';

interface Decided {
  number: number;
  id: string;
  status: 'approved' | 'rejected';
}

/** The last change that was decided, if its workflow's history does not know of it yet: its task is not completed. */
async function justCommitted(c: Cluster): Promise<Decided | null> {
  const { rows } = await (
    await c.owner()
  ).query<Decided>(
    `select number, id, status from gates where status in ('approved', 'rejected') and run_id is null
     order by xmin::text::bigint desc limit 1`,
  ); // prettier-ignore
  const [row] = rows;
  if (!row) return null;
  const temporal = await c.temporal();
  const { events } = await temporal.workflow.getHandle(workflowId('approvalGate', c.tenantId, row.id)).fetchHistory();
  const decisions = (events ?? []).filter(
    (e) => e.workflowExecutionUpdateAcceptedEventAttributes?.acceptedRequest?.input?.name === 'decide',
  );
  return decisions.length ? null : row;
}

/**
 * Kills everybody between the commit of a decision and the completion of its workflow task, its caller with them; before
 * that caller is back, somebody decides the opposite. Answers when they were killed, when the opposite was answered, and
 * what was wrong with the answer.
 */
export async function opposed(
  c: Cluster,
  callers: Part,
): Promise<{ killed: number; answered: number; wrong: string[] }> {
  const victims = [...c.parts.workers, callers, ...c.parts.apis, c.parts.temporal];
  const link = c.links.workerPostgres;
  const { decided, killed } = await new Promise<{ decided: Decided; killed: number }>((resolve, reject) => {
    const watch: Watch = {
      point: 'after-commit',
      when: ({ statements }) => statements.some((sql) => /\b(move_gate\s*\(|update\s+gates\b)/i.test(sql)),
      then: async () => {
        try {
          const decided = await justCommitted(c);
          if (!decided) {
            link.onPoint(watch); // another move: the next is waited for
            return 'pass';
          }
          await Promise.all(victims.map((v) => v.kill()));
          resolve({ decided, killed: Date.now() });
        } catch (e) {
          reject(e instanceof Error ? e : new Error(String(e)));
        }
        return 'drop';
      },
    };
    link.onPoint(watch);
  });
  await c.parts.temporal.start();
  await Promise.all([...c.parts.workers, ...c.parts.apis].map((p) => p.start()));
  const verdict = decided.status === 'approved' ? 'reject' : 'approve';
  const answer = await caller(c.apiUrls).post(`/api/changes/${decided.number}/${verdict}`, c.approver, {});
  const wrong = answer.status === 409 ? [] : [`change ${decided.number} was ${decided.status} in its row; ${verdict} answered ${answer.status} ${JSON.stringify(answer.body)}`]; // prettier-ignore
  const answered = Date.now();
  await callers.start();
  return { killed, answered, wrong };
}
