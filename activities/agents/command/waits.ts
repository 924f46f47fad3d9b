import { launchOf } from '../../../db/agent-processes';
import { gates } from '../../../db/gates';
import { offerOf } from '../../../db/remote-tasks';
import { standingOf } from '../../../db/run-queries';
import { runs } from '../../../db/runs';
import type { Read } from '../../../db/tx';
import type { CommandOutcome } from '../../../domain/agent-process';
import type { Actor } from '../../../domain/principal';
import { signAssertion } from '../../../log/assertion';
import type { Deps } from '../../deps';
import { agentActor } from '../../lifecycle/runs';

interface LaunchRef {
  tenantId: string;
  runId: string;
  launch: number;
}
type Wait = Extract<CommandOutcome, { is: 'waiting' }>['for'];

/** A change that a command had approved, and that it says by its own end to have carried out. */
export interface ApprovedGate {
  gateId: string;
  completion: { id: string; by: Actor; result: string; proof: string; correlationId: null };
}

interface Asked {
  /** People have yet to decide. */
  open: boolean;
  /** Something that was asked for is decided, or was asked for, since the command began. */
  since: boolean;
}

const askedOf: Partial<Record<Wait, string>> = {
  pending_approval: `select coalesce(bool_or(status = 'pending'), false) as open,
      coalesce(bool_or(requested_at >= $2 or decided_at >= $2), false) as since
    from gates where run_id = $1 and access_request_id is null`,
  awaiting_access: `select coalesce(bool_or(status in ('pending_approval', 'approved')), false) as open,
      coalesce(bool_or(created_at >= $2 or updated_at >= $2), false) as since
    from access_requests where run_id = $1`,
};

async function askedFor(tx: Read, runId: string, wait: Wait, since: string): Promise<Asked> {
  const sql = askedOf[wait];
  if (sql === undefined) return { open: false, since: false };
  const { rows } = await tx.query<{ [K in keyof Asked]: Asked[K] }>(sql, [runId, since]);
  return rows[0] ?? { open: false, since: false };
}

export const waitActivities = ({ store, keyring }: Pick<Deps, 'store' | 'keyring'>) => ({
  /**
   * Whether a command still waits: for what it asked people to decide; where it asked for nothing that can be found, until
   * somebody says something to it.
   */
  commandWaits: ({ tenantId, runId, launch, for: wait }: LaunchRef & { for: Wait }): Promise<boolean> =>
    store.read(tenantId, async (tx) => {
      const [process, offer, { said }] = await Promise.all([
        launchOf(tx, runId, launch),
        offerOf(tx, runId, launch),
        standingOf(tx, runId),
      ]);
      const since = process?.launchedAt ?? offer?.offeredAt ?? new Date(0).toISOString();
      const asked = await askedFor(tx, runId, wait, since);
      if (asked.open) return true;
      return !asked.since && !said;
    }),

  /** Its approved changes are completed with it, unless their policy wants a person or the agent to say so. */
  approvedByCommand: ({ tenantId, runId, launch }: LaunchRef): Promise<ApprovedGate[]> =>
    store.read(tenantId, async (tx) => {
      const run = await runs.byId(tx, runId);
      if (!run) return [];
      const by = agentActor(run);
      const found = await gates.list(
        tx,
        `where run_id = $1 and status = 'approved' and access_request_id is null and digest is null
           and coalesce(approval_policy ->> 'auto_complete', 'true') <> 'false'
           and coalesce(approval_policy ->> 'manual_completion_required', 'false') <> 'true'
         order by number limit 100`,
        [runId],
      );
      return found.map((gate) => ({
        gateId: gate.id,
        completion: {
          id: `command-done:${runId}:${launch}`,
          by,
          result: `agent ${run.number} completed its task`,
          proof: signAssertion(keyring, { by, tenantId, gateId: gate.id, verdict: 'complete', digest: null }),
          correlationId: null,
        },
      }));
    }),
});
