/** What a step was: `plan`, `weigh` and `conclude` are decisions, `tool` a call of the ledger, `model` a question to a model. */
export const stepKinds = ['plan', 'tool', 'model', 'weigh', 'conclude'] as const;
export type StepKind = (typeof stepKinds)[number];

/** One thing that an investigation did. Null: there was none of it. */
export interface TraceStep {
  /** Unique in its trace; what insights and recommendations cite. */
  id: string;
  /** The step that it is a part of; it comes before this one. */
  parent: string | null;
  kind: StepKind;
  title: string;
  /** Who did it: the rules, a model, a tool. */
  by: string | null;
  /** Why, in a sentence. */
  why: string | null;
  state: 'ok' | 'refused' | 'failed';
  /** ISO 8601 */
  startedAt: string;
  durationMs: number;
  input: unknown;
  output: unknown;
  /** Of the planner, or of the pipeline with its reasons. */
  decision: unknown;
  prompt: { role: string; content: string }[] | null;
  /** As it came. */
  answer: string | null;
  /** sha256 over the canonical JSON of the output. */
  digest: string | null;
  error: string | null;
}

/** A recorded observation: the output of the step of this id. */
export interface TraceEvidence {
  id: string;
  kind: string;
  digest: string;
}

export interface TraceInsight {
  id: string;
  type: string;
  severity: string;
  summary: string;
  /** 0..1 */
  confidence: number;
  /** Ids of steps. */
  evidence: string[];
}

export interface TraceRecommendation {
  id: string;
  type: string;
  title: string;
  impact: string;
  severity: string;
  status: string;
  /** Ids of steps. */
  evidence: string[];
  decidedBy: string | null;
  decidedAt: string | null;
  comment: string | null;
}

/** A move of the investigation itself. */
export interface TraceMove {
  at: string;
  what: string;
  by: string;
  reason: string | null;
}

/** Everything that is known of an investigation, as its page shows it. All texts are as they came: nothing here is safe. */
export interface TraceDocument {
  id: string;
  /** What it is about, in a few words. */
  subject: string;
  mode: string;
  status: string;
  attempt: number;
  severity: string | null;
  /** 0..1 */
  confidence: number | null;
  startedAt: string;
  finishedAt: string | null;
  summary: string | null;
  error: string | null;
  /** What could not be looked at, and what was dropped. */
  limits: string[];
  moves: TraceMove[];
  /** In order of time. */
  steps: TraceStep[];
  evidence: TraceEvidence[];
  insights: TraceInsight[];
  recommendations: TraceRecommendation[];
  ruleDraft: unknown;
}
