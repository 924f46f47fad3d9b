import { Conflict } from './errors';
import type { StepPlan } from './pipeline';

export const postmortemStatuses = ['draft', 'ready_for_review', 'approved', 'needs_revision', 'promoted'] as const;
export type PostmortemStatus = (typeof postmortemStatuses)[number];

/**
 * How a postmortem came out of the records. pending: a model is asked, and the rules' text stands meanwhile. `note`: why it is the
 * rules' after all, or what of the model's was left out.
 */
export interface Synthesised {
  state: 'pending' | 'done';
  by: 'rules' | 'model';
  model: string | null;
  note: string | null;
}
export const byRules = (note: string | null = null): Synthesised => ({ state: 'done', by: 'rules', model: null, note });
export const pending: Synthesised = { state: 'pending', by: 'rules', model: null, note: null };

export interface Postmortem {
  id: string;
  tenantId: string;
  number: number;
  ticketId: string | null;
  runId: string | null;
  status: PostmortemStatus;
  summary: string;
  wentWell: string;
  improvements: string;
  workflowProposal: string;
  documentation: string;
  skillProposals: unknown[];
  testCases: unknown[];
  guardrails: unknown[];
  /** Null: somebody wrote it. */
  synthesis: Synthesised | null;
  reviewNotes: string | null;
  createdBy: string;
  reviewedBy: string | null;
  reviewedAt: string | null;
  createdAt: string;
  updatedAt: string;
  version: number;
}

/** Review from any state but promoted. @throws Conflict */
export function review(current: PostmortemStatus, approved: boolean): PostmortemStatus {
  if (current === 'promoted') throw new Conflict('a promoted postmortem is not reviewed again', { status: current });
  return approved ? 'approved' : 'needs_revision';
}

/** What was approved is reviewed again when its text changes, and what was promoted stays what it was. @throws Conflict */
export function edit(
  current: PostmortemStatus,
  asked: 'draft' | 'ready_for_review' | null,
  changed: boolean,
): PostmortemStatus {
  if (current === 'promoted') throw new Conflict('a promoted postmortem is not changed any more', { status: current });
  return asked ?? (current === 'approved' && changed ? 'ready_for_review' : current);
}

/** Only what was approved is promoted; promoting again finds the same assets. @throws Conflict */
export function assertPromotable(current: PostmortemStatus): void {
  if (current === 'approved' || current === 'promoted') return;
  throw new Conflict(`a postmortem that is ${current} cannot be promoted: have it approved first`, { status: current });
}

export interface Article {
  id: string;
  tenantId: string;
  number: number;
  title: string;
  body: string;
  category: string | null;
  source: string;
  externalRef: string | null;
  tags: string[];
  enabled: boolean;
  /** Grows with each change; every one is kept. */
  version: number;
  /** Who wrote this version. */
  changedBy: string;
  createdAt: string;
  updatedAt: string;
}

export const blueprintStatuses = [
  'draft',
  'ready_for_review',
  'tested',
  'active',
  'needs_revision',
  'superseded',
] as const;
export type BlueprintStatus = (typeof blueprintStatuses)[number];

/** A learned way of working, known by its key; its name is a label. */
export interface Blueprint {
  id: string;
  tenantId: string;
  number: number;
  name: string;
  workflowKey: string;
  version: number;
  status: BlueprintStatus;
  description: string;
  ticketClass: string | null;
  triggerType: string;
  blueprint: string;
  testPlan: string;
  testResults: string;
  /** As they were given; none: as the text numbers them. */
  steps: StepPlan[];
  approvalPolicy: Record<string, unknown>;
  skillIds: number[];
  createdBy: string;
  reviewedBy: string | null;
  reviewedAt: string | null;
  reviewNotes: string | null;
  createdAt: string;
  updatedAt: string;
}

export interface Skill {
  id: string;
  tenantId: string;
  number: number;
  name: string;
  description: string;
  category: string;
  promptTemplate: string;
  parameters: SkillParameter[];
  enabled: boolean;
  assignedToAll: boolean;
  /** The version in use: this row. */
  version: number;
  latestVersion: number;
  /** One that is tried before it takes the place of the version in use. */
  candidateVersion: number | null;
  /** Who wrote the version in use. */
  changedBy: string;
  createdAt: string;
  updatedAt: string;
  deletedAt: string | null;
}

/** What a template's placeholder stands for. */
export interface SkillParameter {
  name: string;
  description: string;
  required: boolean;
  /** Taken where no value is given. */
  default: string | null;
}
