import { z } from 'zod';
import { operation } from '../../operation';
import { byId, intId, name } from '../shapes';

/** As the ledger has them. */
const decisions = ['allow', 'monitor', 'throttle', 'escalate', 'deny', 'kill', 'error'] as const;

export const remoteCalls = {
  callTool: operation({
    route: 'POST /api/agents/:agent_id/tools/call',
    tag: 'Agents',
    summary:
      'Have a tool called, by an agent that works elsewhere, with its own key: through the governed pipeline, at the next step of its run. What people have to approve is asked for, and called again with the change',
    access: 'tools:call',
    params: byId('agent_id'),
    body: z.object({
      tool: name(200),
      args: z.record(z.string(), z.unknown()).default({}),
      why: name(500).nullable().optional().describe('One sentence for the people who read along'),
      change_id: intId.optional().describe('The approved change that this call carries out, exactly'),
    }),
    output: z.object({
      agent_id: z.int(),
      step: z.int().describe('Its place in the ledger of the agent'),
      tool: z.string(),
      decision: z.enum(decisions).describe('allow and monitor: it was called'),
      reasons: z.array(z.object({ code: z.string(), message: z.string() })),
      result: z.unknown(),
      error: z.string().nullable(),
      change_id: z.int().nullable().describe('What people have to decide before it may be called'),
    }),
    errors: ['NotFound', 'Forbidden', 'Conflict'],
  }),
};
