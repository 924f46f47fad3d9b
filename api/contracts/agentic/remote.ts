import { z } from 'zod';
import { labelNames, label } from '../../../domain/remote-task';
import { RemoteBriefSchema } from '../../../domain/remote-task.schema';
import { operation } from '../../operation';
import { byId, Instant, name, prose } from '../shapes';
import { LeaseShape, SteeringShape } from './ticket-shapes';

const tag = 'Agents';
const isLabel = (text: string): boolean =>
  labelNames.some((n) => text.startsWith(`${n}=`) && text.length > n.length + 1);

const token = z.int().min(1).max(2_147_483_647).describe('As the claim gave it: whoever claims later has a higher one');
const params = byId('task_id');
const errors = ['NotFound', 'Conflict'] as const;

/** What whoever holds a task hears with everything that they say. */
const HeldShape = z.object({
  task_id: z.int(),
  agent_id: z.int(),
  ticket_id: z.int(),
  offer: z.int().describe('How often it was offered: once for each time that it waited for people, and once before'),
  token,
  lease_until: Instant.nullable().describe('Say before that you live; null: you hold it no more'),
  stop: z.string().nullable().describe('Why to stop now, at once; nothing more of it is taken'),
  waits_for: z.string().nullable().describe('It waits for people and is offered again when that is over: claim again'),
  steering: z.array(SteeringShape).describe('What people said and nobody acknowledged, oldest first'),
});

const ClaimedShape = HeldShape.extend({
  labels: z.array(z.string()),
  brief: RemoteBriefSchema,
  leases: z.array(LeaseShape),
  credential: z.object({
    token: z.string().describe('For this ticket alone, and for as long as the lease'),
    agent_id: z.int(),
    ticket_id: z.int(),
  }),
});

export const remote = {
  claimTask: operation({
    route: 'POST /api/agents/tasks/claim',
    tag,
    summary:
      'Take a task that an agent elsewhere is to work on, or wait for one: it is yours for as long as you say that you live',
    access: 'agents:claim',
    waits: true,
    body: z.object({
      wait: z.int().min(0).max(60).default(0).describe('Seconds'),
      lease_seconds: z.int().min(1).max(3600).default(60).describe('How long nothing need be heard of you'),
      worker: name(100).default('worker').describe('What people see'),
      labels: z
        .array(
          z
            .string()
            .trim()
            .max(200)
            .refine(isLabel, `must be name=value with one of ${labelNames.join(', ')}`)
            .transform((text) => label(text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1))),
        )
        .max(20)
        .default([])
        .describe('A task is yours only if it has all of them'),
    }),
    output: z.object({ task: ClaimedShape.nullable().describe('Null: there was none') }),
  }),
  heartbeatTask: operation({
    route: 'POST /api/agents/tasks/:task_id/heartbeat',
    tag,
    summary: 'Say that you live: the lease begins anew, and you hear what people said, and whether to stop',
    access: 'agents:claim',
    params,
    body: z.object({ token }),
    output: HeldShape,
    errors,
  }),
  checkpointTask: operation({
    route: 'POST /api/agents/tasks/:task_id/checkpoint',
    tag,
    summary:
      'Say how far you are; a status such as waiting_for_access, waiting_for_approval, waiting_for_user or blocked gives the task back until people have decided',
    access: 'agents:claim',
    params,
    body: z.object({
      token,
      step: name(100),
      status: name(100).default('running'),
      output: prose.nullable().optional().describe('500 characters of it are kept'),
      progress_pct: z.number().min(0).max(100).default(0),
    }),
    output: HeldShape,
    errors,
  }),
  completeTask: operation({
    route: 'POST /api/agents/tasks/:task_id/complete',
    tag,
    summary: 'Say what came of it: the agent has finished. Said again in the same words, it changes nothing',
    access: 'agents:claim',
    params,
    body: z.object({ token, result: prose }),
    output: HeldShape,
    errors,
  }),
  failTask: operation({
    route: 'POST /api/agents/tasks/:task_id/fail',
    tag,
    summary:
      'Say that you cannot go on: the agent has failed, or, for trouble that passes, is called again, three times at most',
    access: 'agents:claim',
    params,
    body: z.object({
      token,
      error: prose,
      retry_after_seconds: z.int().min(0).max(3600).nullable().optional().describe('For trouble that passes'),
    }),
    output: HeldShape,
    errors,
  }),
};
