import { gates } from '../db/gates';
import type { Read } from '../db/tx';
import { digestOf } from '../log/canonical';
import type { Call } from './call';

/** What an approval is good for: this tool with these arguments, on this target, by this agent, under this policy. */
export const sealOf = (
  call: Pick<Call, 'tool' | 'args' | 'agentId' | 'tenantId'>,
  target: string,
  policyVersion: string,
): string =>
  digestOf({
    tenant: call.tenantId,
    tool: call.tool,
    args: call.args,
    target,
    agent: call.agentId,
    policy: policyVersion,
  });

/** Whether a gate stands approved, in time, for exactly this. Checked again at dispatch, in the recording transaction. */
export async function approvedFor(tx: Read, gateId: string, seal: string): Promise<boolean> {
  const gate = await gates.byId(tx, gateId);
  return gate !== null && gate.status === 'approved' && gate.digest === seal && Date.parse(gate.expiresAt) > Date.now();
}
