import { at, none, type Declared } from '../declaration';

const client = { 'path.client_id': at('client') };
const agent = { 'path.agent_id': at('workAgent') };
const task = { 'path.task_id': at('workTask') };
const workflow = { 'path.workflow_id': at('workflow') };
const held: Declared = {
  ids: task,
  own: {
    statuses: [409],
    why: 'the task of this world is worked on here; test/api/orchestration-tasks has those that are elsewhere',
  },
};

export const orchestration: Readonly<Record<string, Declared>> = {
  issueOAuthToken: {
    ids: { 'body.client_id': at('external', 'unknown') },
    own: { statuses: [400, 401], why: 'asked without a secret; test/api/oauth has it' },
  },
  listOAuthClients: none,
  createOAuthClient: none,
  rotateOAuthClient: { ids: client },
  revokeOAuthClient: { ids: client, fresh: 'client' },
  authorizationServer: none,
  listWorkAgents: none,
  getWorkAgent: { ids: agent },
  createWorkAgent: none,
  updateWorkAgent: { ids: agent },
  deleteWorkAgent: {
    ids: agent,
    own: { statuses: [200, 404], why: 'whoever comes second finds it gone' },
    fresh: 'workAgent',
  },
  listWorkTasks: { ids: { 'query.agent_id': at('workAgent', 'empty') } },
  createWorkTask: { ids: { 'body.agent_id': at('workAgent') }, fresh: 'workAgent' },
  getWorkTask: { ids: task },
  claimWork: { ids: { 'body.agent_id': at('workAgent', 'ignored') } }, // one that is nobody's has no tasks
  heartbeatWork: held,
  completeWork: held,
  listPipelines: none,
  createPipeline: none,
  workMetrics: none,
  getPipeline: { ids: workflow },
  executePipeline: { ids: workflow },
  getPipelineExecution: { ids: { ...workflow, 'path.execution_id': at('workExecution') } },
};
