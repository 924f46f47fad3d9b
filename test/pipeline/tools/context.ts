import type { Run } from '../../../domain/run';
import { agentScopes } from '../../../domain/scopes';
import type { Call, Tool, ToolContext } from '../../../pipeline/call';
import type { House } from '../../house';

/** A call of a run's step, as the pipeline hands it to a tool that it lets through. */
export const callOf = (run: Run, tool: string, args: Record<string, unknown>, step = 0): Call => ({
  tenantId: run.tenantId,
  actor: { id: run.agentId, kind: 'agent', name: `agent-${run.number}` },
  scopes: agentScopes,
  agentId: run.agentId,
  owner: { kind: 'run', id: run.id, step },
  ticketId: run.ticketId,
  tool,
  args,
  why: null,
  gateId: null,
});

/** Runs a tool as stage 8 does: its arguments parsed, and with a transaction when it writes. */
export async function use<T>(house: House, tool: Tool, run: Run, args: Record<string, unknown>, step = 0): Promise<T> {
  const context: ToolContext = {
    call: callOf(run, tool.name, args, step),
    files: house.files,
    write: null,
    effect: null,
    credential: () => Promise.reject(new Error('no test of a tool uses one')),
    hide: (text) => text,
    signal: new AbortController().signal,
    read: (work) => house.store.read(run.tenantId, work),
  };
  const parsed = tool.args.parse(args);
  const result =
    tool.effect === 'write'
      ? await house.store.write(run.tenantId, (write) => tool.run(parsed, { ...context, write }))
      : await tool.run(parsed, context);
  return result as T;
}
