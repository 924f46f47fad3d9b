import type { Read } from '../db/tx';
import { digestOf } from '../log/canonical';
import type { Call } from './call';

/** What an approval of a call is about. */
export interface Sealed {
  /** The digest that it is good for. */
  digest: string;
  target: string;
}

/**
 * What an approval is good for: this tool with these arguments, on this target, by this agent, under this policy; and as it
 * is defined, where others than this project say so.
 */
export const sealOf = (
  call: Pick<Call, 'tool' | 'args' | 'agentId' | 'tenantId'>,
  target: string,
  policyVersion: string,
  { definition, agentVersion }: { definition?: string | undefined; agentVersion?: number | undefined } = {},
): string =>
  digestOf({
    tenant: call.tenantId,
    tool: call.tool,
    args: call.args,
    target,
    agent: call.agentId,
    policy: policyVersion,
    ...(definition !== undefined && { definition }),
    ...(agentVersion !== undefined && { agentVersion }),
  });

/** How long a caller who was told to come back has, from when it was approved. */
const requestSeconds = 300;

/** Whether a gate stands approved for exactly this, in time by the database's clock. */
export async function approvedFor(
  tx: Read,
  gateId: string,
  seal: string,
  of: Call['owner'] | null = null,
): Promise<boolean> {
  const seconds = of?.kind === 'request' ? requestSeconds : null;
  const { rowCount } = await tx.query(
    `select from gates where id = $1 and status = 'approved' and digest = $2 and expires_at > now()
       and ($3::int is null or decided_at > now() - make_interval(secs => $3))
       and not exists (select from gate_uses where gate_id = $1 and (owner_id, step) <> ($4::uuid, $5::int))`,
    [gateId, seal, seconds, of?.id ?? null, of?.step ?? null],
  );
  return rowCount === 1;
}

/**
 * Takes the approval for this call, which is about to be carried out: whether it has it. One approval is one call's, at one
 * step; an attempt at that step that is made again has it still.
 */
export async function useApproval(tx: Read, gateId: string, seal: string, of: Call['owner']): Promise<boolean> {
  await tx.query(
    `insert into gate_uses (gate_id, tenant_id, owner_id, step) values ($1, $2, $3, $4) on conflict (gate_id) do nothing`,
    [gateId, tx.tenantId, of.id, of.step],
  );
  const { rowCount } = await tx.query('select from gate_uses where gate_id = $1 and owner_id = $2 and step = $3', [
    gateId,
    of.id,
    of.step,
  ]);
  return rowCount === 1 && approvedFor(tx, gateId, seal, of);
}
