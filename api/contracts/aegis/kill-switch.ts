import { z } from 'zod';
import { operation } from '../../operation';
import { byUuid, Instant, prose } from '../shapes';

const tag = 'decision';
const params = byUuid('tenant_id');
const KillSwitch = z.object({
  status: z.enum(['engaged', 'disengaged']),
  engaged: z.boolean(),
  tenant_id: z.uuid(),
  reason: z.string().nullable(),
  engaged_by: z.string().nullable(),
  engaged_at: Instant.nullable(),
});

const Containment = z.object({
  runs: z.array(
    z.object({
      run_id: z.uuid(),
      agent_id: z.int().describe('The run, as /api/agents has it'),
      agent: z.string(),
      ticket_id: z.int().nullable(),
      state: z
        .enum(['stopped', 'unconfirmed'])
        .describe('stopped: nothing of it is under way, and its next call is refused'),
      why: z.string().nullable(),
    }),
  ),
  calls: z
    .array(
      z.object({
        call_id: z.uuid(),
        agent_id: z.uuid(),
        tool: z.string(),
        begun_at: Instant,
        state: z.enum(['stopped', 'unconfirmed']),
        why: z.string().nullable(),
      }),
    )
    .describe('Of no run: asked for over HTTP, and begun when the switch was engaged'),
  stopped: z.int(),
  unconfirmed: z.int(),
});

export const killSwitch = {
  getKillSwitch: operation({
    route: 'GET /decision/kill-switch/:tenant_id',
    tag,
    summary: 'Whether the kill switch of the tenant is engaged',
    access: 'kill_switch:read',
    params,
    output: KillSwitch,
    errors: ['Forbidden'],
  }),
  setKillSwitch: operation({
    route: 'POST /decision/kill-switch/:tenant_id',
    tag,
    summary: 'Engage the kill switch: every call of every agent is refused from now on; a repeat changes nothing',
    access: 'kill_switch:write',
    params,
    body: z.object({ action: z.enum(['engage', 'disengage']).default('engage'), reason: prose.optional() }),
    output: KillSwitch.extend({
      containment: Containment.optional().describe('Of an engaged one, a second after at most'),
    }),
    errors: ['Forbidden'],
  }),
  releaseKillSwitch: operation({
    route: 'DELETE /decision/kill-switch/:tenant_id',
    tag,
    summary: 'Disengage the kill switch',
    access: 'kill_switch:write',
    params,
    output: KillSwitch,
    errors: ['Forbidden'],
  }),
};
