import { z } from 'zod';
import { operation } from '../../operation';
import { Instant, name, prose } from '../shapes';
import { Id, prefixed } from './door';
import { jsonObject, Priority } from './tasks';

const tag = 'Workers';
const fence = z.int().min(1).max(2_147_483_647);
const params = z.object({ task_id: prefixed('task') });
const errors = ['NotFound', 'Conflict'] as const;
const given = fence.describe(
  'As the claim gave it: whoever claims later has a higher one, and yours is 409 from then on',
);

/** What whoever holds a task hears with everything that they say. */
const HeldShape = z.object({
  id: Id('task'),
  fence,
  lease_until: Instant.nullable().describe('Say before that you live; null: you hold it no more'),
  stop: z.string().nullable().describe('Why to stop now; nothing more of it is taken'),
  messages: z.array(z.object({ author: z.string(), text: z.string() })).describe('What people said, oldest first'),
});
const ClaimedShape = HeldShape.extend({
  agent_id: Id('agent'),
  type: z.string(),
  priority: Priority,
  payload: z.record(z.string(), z.unknown()),
  attempt: z.int(),
  prompt: z.string().nullable().describe('The same in words, with what the agent goes by'),
  credential: z
    .string()
    .describe('For its ticket and the tools of its agent, for as long as the lease (docs/harnesses/remote.md)'),
});

export const workers = {
  claimWork: operation({
    route: 'POST /v1/tasks/claim',
    tag,
    summary:
      'Take a task of an agent that works elsewhere, or wait for one: yours for as long as you say that you live',
    access: 'agents:claim',
    waits: true,
    body: z.object({
      agent_id: prefixed('agent').optional().describe('Of this agent alone'),
      agent_type: name(100).optional(),
      type: name(100).optional().describe('Tasks of this type alone'),
      wait: z.int().min(0).max(60).default(0).describe('Seconds'),
      lease_seconds: z.int().min(1).max(3600).default(60).describe('How long nothing need be heard of you'),
      worker: name(100).default('worker').describe('What people see'),
    }),
    output: z.object({ task: ClaimedShape.nullable().describe('Null: there was none') }),
  }),
  heartbeatWork: operation({
    route: 'POST /v1/tasks/:task_id/heartbeat',
    tag,
    summary: 'Say that you live, and how far you are: the lease begins anew',
    access: 'agents:claim',
    params,
    body: z.object({
      fence: given,
      progress: z.number().min(0).max(100).optional(),
      message: name(500).optional().describe('For the log of the task'),
    }),
    output: HeldShape,
    errors,
  }),
  completeWork: operation({
    route: 'POST /v1/tasks/:task_id/complete',
    tag,
    summary:
      'Say what came of it. One that failed is tried again as often as its agent says; the same again changes nothing',
    access: 'agents:claim',
    params,
    body: z
      .discriminatedUnion('status', [
        z.object({ fence: given, status: z.literal('completed'), result: jsonObject(20_000).default({}) }),
        z.object({ fence: given, status: z.literal('failed'), error: prose }),
      ])
      .meta({ example: { fence: 1, status: 'completed', result: { records_processed: 1000 } } }),
    output: HeldShape,
    errors,
  }),
};
