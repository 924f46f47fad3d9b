/** How much of each part of a postmortem's evidence is given: what it is without asking, and the most there is. */
export const evidenceLimits = {
  max_notes: { usual: 12, most: 40 },
  max_attachments: { usual: 10, most: 40 },
  max_changes: { usual: 12, most: 40 },
  max_tasks: { usual: 8, most: 25 },
  task_log_lines: { usual: 0, most: 100 },
  max_cicd_runs: { usual: 8, most: 20 },
  max_postmortems: { usual: 5, most: 10 },
  max_workflows: { usual: 3, most: 10 },
  max_articles: { usual: 2, most: 10 },
  max_audit: { usual: 8, most: 15 },
} as const;
export type EvidenceLimit = keyof typeof evidenceLimits;
export type EvidenceLimits = { readonly [name in EvidenceLimit]?: number | undefined };

/**
 * What the records say about the work on one ticket, cut to what fits into a prompt. Names are the wire's; type aliases, not
 * interfaces, because only those pass for the open objects of a door's answer.
 */
export interface Evidence {
  ticket: {
    id: number;
    title: string;
    description: string;
    ticket_class: string;
    status: string;
    priority: string | null;
    assignee_team: string | null;
    created_at: string;
    updated_at: string;
  };
  notes: { id: number; source: string; author: string; body: string; created_at: string }[];
  attachments: {
    id: number;
    filename: string;
    content_type: string | null;
    size_bytes: number | null;
    sha256: string | null;
    metadata: unknown;
    created_at: string;
  }[];
  change_requests: EvidenceChange[];
  agent_tasks: EvidenceTask[];
  /** None are kept yet. */
  cicd_runs: never[];
  postmortems: { id: number; status: string; summary: string; improvements: string; created_at: string }[];
  workflows: {
    id: number;
    name: string;
    workflow_key: string;
    version: number;
    status: string;
    description: string;
    blueprint: string;
    test_plan: string;
  }[];
  knowledge_articles: { id: number; title: string; body: string; tags: string[] }[];
  audit: { id: number; action: string; actor: string; target: string; details: string; created_at: string }[];
  evidence_terms: string[];
  guidance: { cite: string; shown: Record<string, { shown: number; total: number }> };
}

export type EvidenceChange = {
  id: number;
  agent_id: number | null;
  action: string;
  target: string;
  status: string;
  risk_level: string;
  reason: string | null;
  result: string | null;
  requested_by: string;
  approved_by: string | null;
  rejected_reason: string | null;
  requested_at: string;
  approved_at: string | null;
  /** From the request to the decision; null while nobody decided. */
  waited_seconds: number | null;
};

/** One agent on the ticket, and what its governed steps say. */
export type EvidenceTask = {
  id: number;
  agent_id: number;
  task_type: string;
  harness: string;
  status: string;
  output: string | null;
  error_message: string | null;
  created_at: string;
  completed_at: string | null;
  duration_seconds: number | null;
  log_tail: string;
  steps: {
    total: number;
    /** Tools that were carried out, in the order of their first use. */
    tools: string[];
    refused: { step: number; tool: string; decision: string; reason: string }[];
    slow: { step: number; tool: string; seconds: number }[];
  };
  signals: { id: string; title: string; events: number; step: number }[];
  templates: { text: string; events: number; step: number }[];
  report: EvidenceReport | null;
};

/** What an agent proposed to publish, at the step where it did. */
export type EvidenceReport = {
  step: number;
  published: boolean;
  title: string;
  summary: string;
  claims: { statement: string; kind: 'finding' | 'hypothesis'; confidence: number; cites: string[] }[];
  references: { kind: string; id: number; title: string }[];
  limits: string[];
  steering_answered: number;
};

/** A text that is too long says so, and how much is missing. */
export function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  return `${text.slice(0, most).toWellFormed()}... [truncated ${text.length - most} chars]`;
}
