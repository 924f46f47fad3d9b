import { z } from 'zod';
import { finalOutcomes, outcomes } from '../../../domain/reported-run';
import { operation } from '../../operation';
import { Instant, name, prose } from '../shapes';
import { at, Happened, keysetPage, listed, Since } from './door';

const tag = 'runs';

export const FleetRunShape = z.object({
  id: z.uuid(),
  eve_id: z.string().nullable(),
  agent_name: z.string(),
  task_type: z.string().nullable(),
  status: z.enum(outcomes),
  model: z.string().nullable(),
  duration_ms: z.int().nullable(),
  started_at: Instant.nullable(),
  completed_at: Instant.nullable(),
  output_summary: z.string().nullable(),
  error_message: z.string().nullable(),
  origin: z.enum(['workflow', 'reported']).describe('Carried out by a workflow here, or elsewhere and reported'),
});

/** Ten years: what is longer is no duration, and no time that a run began follows from it. */
const longestMs = 10 * 366 * 86_400_000;

const told = {
  task_type: name(100).nullish(),
  model: name(200).nullish(),
  duration_ms: z.int().min(0).max(longestMs).nullish(),
  output_summary: prose.nullish(),
  error_message: prose.nullish(),
  started_at: Happened.nullish().describe('When it began; when the report that it started arrived, unless given'),
  completed_at: Happened.nullish().describe('When it ended; when the report of that arrived, unless given'),
};

/** An end has its time with it, and comes after the beginning. */
const inOrder = (
  r: { status?: string | undefined; started_at?: string | null | undefined; completed_at?: string | null | undefined },
  ctx: z.RefinementCtx,
): void => {
  const wrong = (message: string): void => ctx.addIssue({ code: 'custom', path: ['completed_at'], message });
  if (!r.completed_at) return;
  if (r.status === undefined || r.status === 'started') wrong('goes with the status that says how the run ended');
  else if (r.started_at && r.completed_at < r.started_at) wrong('lies before started_at');
};

export const runs = {
  listFleetRuns: operation({
    ...at('GET', '/runs'),
    tag,
    summary: "Runs, newest first: those of this installation's workflows and those that were reported, in one order",
    access: 'agent-ops:read',
    query: keysetPage.extend({
      agent_name: name(200).optional(),
      status: z.enum(outcomes).optional(),
      since: Since.optional().describe('Those that began then or later'),
    }),
    ...listed(FleetRunShape),
  }),
  reportRun: operation({
    ...at('POST', '/runs'),
    tag,
    summary: 'Report a run; one whose eve_id is known is brought up to date (200), and a repeat changes nothing',
    access: 'agent-ops:write',
    status: 201,
    statuses: [200],
    body: z
      .object({
        eve_id: name(200).nullish().describe("The run's id where it runs, unique in the tenant"),
        agent_name: name(200),
        status: z.enum(outcomes).default('started'),
        ...told,
      })
      .superRefine(inOrder),
    output: FleetRunShape,
    errors: ['Conflict'],
  }),
  updateReportedRun: operation({
    ...at('PATCH', '/runs/:id'),
    tag,
    summary: 'Bring a reported run up to date, by its uuid or eve_id; how it ended is final, the first word stands',
    access: 'agent-ops:write',
    params: z.object({ id: name(200) }),
    body: z.object({ status: z.enum(finalOutcomes).optional(), ...told }).superRefine(inOrder),
    output: FleetRunShape,
    errors: ['NotFound', 'Conflict'],
  }),
};
