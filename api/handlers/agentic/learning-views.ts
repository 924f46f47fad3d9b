import type { PostmortemView } from '../../../db/learning-queries';
import type { Article, Blueprint, Skill } from '../../../domain/learning';
import type { PipelineView } from '../../../db/pipelines';
import { stepsIn, type StepPlan } from '../../../domain/pipeline';
import { isCandidate, parametersOf } from '../../../domain/skill';

// What was learned, as this door's wire has it.

export const postmortemView = (p: PostmortemView) => ({
  id: p.number,
  ticket_id: p.ticketNumber,
  ticket_title: p.ticketTitle,
  agent_id: p.runNumber,
  agent_model: p.model,
  task_id: p.taskNumber,
  status: p.status,
  summary: p.summary,
  went_well: p.wentWell,
  improvements: p.improvements,
  workflow_proposal: p.workflowProposal,
  documentation: p.documentation,
  skill_proposals: p.skillProposals,
  test_cases: p.testCases,
  guardrails: p.guardrails,
  synthesis: p.synthesis,
  review_notes: p.reviewNotes,
  created_by: p.createdBy,
  reviewed_by: p.reviewedBy,
  reviewed_at: p.reviewedAt,
  created_at: p.createdAt,
  updated_at: p.updatedAt,
});

export const articleView = (a: Article) => ({
  id: a.number,
  title: a.title,
  body: a.body,
  category: a.category,
  source: a.source,
  external_ref: a.externalRef,
  tags: a.tags,
  enabled: a.enabled,
  version: a.version,
  changed_by: a.changedBy,
  created_at: a.createdAt,
  updated_at: a.updatedAt,
});

/** With the names of the agents that it is assigned to. */
export const skillView = (s: Skill, agents: string[]) => ({
  id: s.number,
  name: s.name,
  description: s.description,
  category: s.category,
  prompt_template: s.promptTemplate,
  parameters: parametersOf(s),
  enabled: s.enabled,
  assigned_to_all: s.assignedToAll,
  assigned_agents: agents,
  state: isCandidate(s, agents.length) ? ('candidate' as const) : ('active' as const),
  version: s.version,
  candidate_version: s.candidateVersion,
  created_at: s.createdAt,
  updated_at: s.updatedAt,
});

/** Its steps as they were given, else as its text numbers them. */
export const planOf = (b: Blueprint): StepPlan[] => (b.steps.length ? b.steps : stepsIn(b.name, b.blueprint));

const reviewState = ({ status, reviewedAt }: Blueprint): string => {
  if (status === 'active') return reviewedAt === null ? 'active_missing_review' : 'active_approved';
  return status === 'tested' ? 'tested_needs_approval' : status;
};

export const workflowView = (b: Blueprint) => ({
  id: b.number,
  name: b.name,
  workflow_key: b.workflowKey,
  version: b.version,
  status: b.status,
  review_state: reviewState(b),
  description: b.description,
  ticket_class: b.ticketClass,
  trigger_type: b.triggerType,
  blueprint: b.blueprint,
  test_plan: b.testPlan,
  test_results: b.testResults,
  steps: planOf(b).map(({ timeoutSeconds, ...s }) => ({ ...s, timeout_seconds: timeoutSeconds })),
  approval_policy: { ...b.approvalPolicy, workflow_key: b.workflowKey },
  skill_ids: b.skillIds,
  created_by: b.createdBy,
  reviewed_by: b.reviewedBy,
  reviewed_at: b.reviewedAt,
  review_notes: b.reviewNotes,
  created_at: b.createdAt,
  updated_at: b.updatedAt,
});

/** A run of a workflow, with its steps and the agents that carried them out. */
export const workflowRunView = ({ pipeline: p, ticket, reporter, agents }: PipelineView, workflow: number) => ({
  id: p.number,
  workflow_id: workflow,
  workflow_version: p.blueprintVersion,
  ticket_id: ticket,
  agent_id: reporter?.agent ?? null,
  task_id: reporter?.task ?? null,
  status: p.status,
  steps: p.steps.map((s) => ({
    name: s.name,
    order: s.order,
    status: s.status,
    attempts: s.attempts,
    agent_ids: s.runIds.flatMap((id) => agents.get(id) ?? []),
    result: s.result,
    error: s.error,
  })),
  result: p.result,
  error: p.error,
  created_by: p.startedBy.name,
  created_at: p.createdAt,
  started_at: p.startedAt,
  finished_at: p.finishedAt,
});
