import { listDefinitions, pipelineDefinitions, pipelineOfDefinition, type PipelineDefinition } from '../../../db/pipeline-definitions'; // prettier-ignore
import { pipelines } from '../../../db/pipelines';
import { tasksById } from '../../../db/tasks';
import type { Read } from '../../../db/tx';
import { Conflict, NotFound } from '../../../domain/errors';
import { newPipeline, type Pipeline } from '../../../domain/pipeline';
import { plannedSteps } from '../../../domain/pipeline-definition';
import { agentScopes } from '../../../domain/scopes';
import { idOf, pageOf } from '../../contracts/orchestration/door';
import type { pipelineOperations } from '../../contracts/orchestration/workflows';
import type { Handlers } from '../../kernel';
import { openPipeline } from '../agentic/workflow-runs';
import { executionView, workflowView } from './workflow-views';

/** @throws NotFound, for a foreign workflow as for one that never was */
async function definition(tx: Read, number: number): Promise<PipelineDefinition> {
  const found = await pipelineDefinitions.byNumber(tx, number);
  if (!found) throw new NotFound(`no workflow ${idOf('workflow', number)}`);
  return found;
}

const execution = async (tx: Read, d: PipelineDefinition, p: Pipeline) =>
  executionView(d, p, await tasksById(tx, p.steps.flatMap((s) => s.runIds.slice(0, 1)))); // prettier-ignore

export const pipelineHandlers: Handlers<typeof pipelineOperations> = {
  listPipelines: async ({ query }, ctx) => {
    const { definitions, total } = await ctx.read((tx) =>
      listDefinitions(tx, query.limit, (query.page - 1) * query.limit),
    );
    return pageOf(query, definitions.map(workflowView), total);
  },

  createPipeline: ({ body }, ctx) =>
    ctx.write(async (tx) => {
      const id = ctx.newId();
      const made = await pipelineDefinitions.insert(tx, {
        id, tenantId: ctx.tenantId, number: 0, name: body.name, description: body.description, status: 'active', steps: body.steps,
        createdBy: ctx.actor, createdAt: '',
      }); // prettier-ignore
      const stands = made ?? (await pipelineDefinitions.byId(tx, id));
      if (!stands) throw new Error(`no workflow ${id}`);
      if (made)
        tx.log({
          kind: 'pipeline.defined',
          actor: ctx.actor,
          subject: { kind: 'pipeline', id },
          body: { workflow_id: idOf('workflow', made.number), name: made.name, steps: made.steps.map((s) => s.name) },
        });
      return workflowView(stands);
    }),

  getPipeline: async ({ params }, ctx) => workflowView(await ctx.read((tx) => definition(tx, params.workflow_id))),

  executePipeline: async ({ params, body }, ctx) => {
    const id = ctx.newId('pipeline');
    const { of, stands } = await ctx.read(async (tx) => ({
      of: await definition(tx, params.workflow_id),
      stands: ctx.repeatable ? await pipelines.byId(tx, id) : null,
    }));
    if (of.status !== 'active') throw new Conflict(`workflow ${of.name} is ${of.status}`, { status: of.status });
    if (!stands) {
      const draft = newPipeline(
        {
          id, tenantId: ctx.tenantId, name: of.name, blueprintId: null, blueprintVersion: null, definitionId: of.id,
          parameters: body.parameters, priority: body.priority, ticketId: null, carriedOutBy: 'runs', runId: null,
          scopes: agentScopes.filter((s) => ctx.principal.scopes.includes(s)), startedBy: ctx.actor, createdAt: new Date().toISOString(),
        },
        plannedSteps(of.steps),
      ); // prettier-ignore
      await openPipeline(ctx, draft, `Workflow ${of.number}: ${of.name}`);
    }
    return ctx.read(async (tx) => {
      const p = await pipelines.byId(tx, id);
      if (!p) throw new Error(`no pipeline ${id}`);
      return execution(tx, of, p);
    });
  },

  getPipelineExecution: ({ params }, ctx) =>
    ctx.read(async (tx) => {
      const of = await definition(tx, params.workflow_id);
      const p = await pipelineOfDefinition(tx, of.id, params.execution_id);
      if (!p) throw new NotFound(`no execution ${idOf('execution', params.execution_id)}`);
      return execution(tx, of, p);
    }),
};
