import { whyQuarantined } from '../domain/quarantine';
import { weightsFrom, type RiskWeights } from '../domain/risk';
import type { Facts, PolicyRecord } from '../db/executions';
import type { Call, Decision, Reason, Tool } from './call';
import type { Points } from '../db/rate-limits';
import type { PolicyEngine, PolicyInput, PolicyResult } from './policy';
import { regoInput } from './rego/input';
import { strictest, type TenantPolicies } from './rego/tenants';
import type { Screening } from './screening';
import { assessBehavior } from './screening/behavior';
import type { RiskScores } from './screening/risk';
import { SIGNALS } from './screening/signals';

/** What the stages before execution have found out so far. */
export interface State {
  call: Call;
  tool: Tool | null;
  facts: Facts;
  /** The arguments as the tool's schema read them; null when they do not fit. */
  args: unknown;
  argsError: string | null;
  /** Of all policies that decide in the tenant. */
  policyVersion: string;
  /** Null: the call brings no approval. */
  sealValid: boolean | null;
  screening: Screening | null;
  policy: PolicyResult | null;
  /** What the policies were told and said, to be kept with the call. */
  policyRecord: PolicyRecord | null;
  findings: string[];
  /** What stage 5 adds to the risk, and why. */
  behavior: Partial<RiskScores> & { reasons: Reason[] };
  /** What the stages measured, each 0..1, by component of the composite risk. */
  signals: Record<string, number>;
  risk: number;
  /** What it comes to when nothing stops it: allow, or monitor. */
  decision: Decision;
}

export interface StageDeps {
  policies: PolicyEngine;
  /** Those of tenants; where it is left out, none of them is enforced, and a tenant that has some is refused. */
  own?: TenantPolicies;
  limiter: Points;
  screen: (tool: Tool, args: Record<string, unknown>) => Screening;
  decide: (
    screening: Screening,
    policy: PolicyResult,
    others: Partial<RiskScores>,
    weights: RiskWeights,
  ) => { decision: Decision; risk: number };
}

/** A stage that stops the call says how and why; one that has nothing against it says nothing. */
export interface Stop {
  decision: Decision;
  reasons: Reason[];
}
export interface Stage {
  name: string;
  run: (state: State, deps: StageDeps) => Promise<Stop | null> | Stop | null;
}

const stop = (decision: Decision, code: string, message: string): Stop => ({ decision, reasons: [{ code, message }] });

const scoresOf = ({ behavior: { reasons: _, ...scores } }: State): Partial<RiskScores> => scores;
/** An agent that is throttled has this part of the calls that others have. */
const throttledTo = 10;

/** Stages 0 to 7, in order; 8 to 10 (execution, output filter, audit) carry the call out and record it: see run.ts. */
export const stages: readonly Stage[] = [
  {
    name: 'kill_switch',
    run: ({ facts }) => {
      if (facts.killSwitch !== null) return stop('kill', 'kill_switch_engaged', facts.killSwitch);
      if (facts.suspended) return stop('deny', 'tenant_suspended', 'the tenant is suspended');
      return facts.fence === null ? null : stop('deny', 'run_fenced', facts.fence);
    },
  },
  {
    name: 'auth',
    run: ({ call, tool, facts }) => {
      if (facts.agentStatus === null) return stop('deny', 'unknown_agent', 'the agent does not exist');
      if (facts.restriction?.kind === 'QUARANTINED')
        return stop('deny', 'agent_quarantined', facts.restriction.why ?? 'no reason given');
      // At once, and for a day as soon as the log's reader has come to the call that was too much (workers/quarantine.ts).
      const wild = whyQuarantined(facts.denials, call.tool, facts.bulkDenials);
      if (wild !== null) return stop('deny', 'agent_quarantined', wild);
      if (facts.restriction?.kind === 'SUSPENDED') return stop('deny', 'agent_not_active', 'the agent is SUSPENDED');
      if (facts.agentStatus !== 'ACTIVE') return stop('deny', 'agent_not_active', `the agent is ${facts.agentStatus}`);
      if (!tool) return stop('deny', 'unknown_tool', `there is no tool ${call.tool}`);
      if (call.scopes.includes(tool.scope)) return null;
      return stop('deny', 'missing_scope', `${tool.name} needs ${tool.scope}`);
    },
  },
  {
    name: 'rate_limit',
    run: async ({ call, facts }, { limiter }) => {
      // Rejects when the store is away: fail closed, the caller repeats.
      const { consumed, leftMs } = await limiter.consume(`${call.tenantId}:${call.agentId}`);
      const points = facts.restriction?.kind === 'THROTTLED' ? limiter.points / throttledTo : limiter.points;
      if (consumed <= points) return null;
      const reason = { code: 'rate_limited', message: 'the agent calls too often', retryAfterMs: Math.ceil(leftMs) };
      return { decision: 'throttle', reasons: [reason] };
    },
  },
  {
    name: 'inference_proxy',
    run: (state, { screen }) => {
      if (state.argsError !== null) return stop('deny', 'invalid_arguments', state.argsError);
      if (!state.tool) return stop('deny', 'unknown_tool', 'nothing to screen');
      const screening = screen(state.tool, state.call.args);
      state.screening = screening;
      state.findings.push(...screening.findings);
      state.signals['inference'] = screening.risk;
      return null;
    },
  },
  {
    name: 'policy',
    run: async (state, { policies, own, decide }) => {
      const { call, tool, facts, policyVersion } = state;
      const input: PolicyInput = {
        tenant: call.tenantId,
        principal: { id: call.actor.id ?? call.agentId, kind: call.actor.kind, scopes: call.scopes },
        agent: { id: call.agentId, grants: facts.grants },
        tool: { name: call.tool, effect: tool?.effect ?? 'external', scope: tool?.scope ?? null },
        args: call.args,
        target: tool && state.args !== null ? tool.target(state.args) : call.tool,
        run: { id: call.owner.id, ticket: facts.ticketNumber },
        approval: state.sealValid === null ? null : { sealed: true, valid: state.sealValid },
        risk: state.screening?.risk ?? 1,
      };
      const agent = { name: facts.agentName, status: facts.agentStatus };
      const builtin = policies.evaluate(input);
      if (facts.policies.length === 0) state.policy = builtin;
      else if (!own) return stop('deny', 'policy_unavailable', 'the policies of this tenant are not evaluated here');
      else {
        const said = await own.opinions(call.tenantId, facts.policies, regoInput(input, agent, policyVersion));
        state.policy = strictest(builtin, said, policyVersion);
      }
      const { args: _args, ...told } = input;
      const { decision, policyId, version } = state.policy;
      state.policyRecord = { input: told, agent, decision, policyId, version };
      if (state.policy.decision !== 'deny') return null;
      state.findings.push('policy_deny');
      if (state.screening) state.risk = decide(state.screening, state.policy, {}, weightsFrom(facts.weights)).risk;
      return { decision: 'deny', reasons: state.policy.reasons };
    },
  },
  {
    name: 'behavior',
    run: ({ call, facts, findings, screening, behavior }) => {
      const { scores, signals } = assessBehavior(facts.habits, call.tool, findings);
      Object.assign(behavior, scores);
      for (const { id, evidence, response } of signals) {
        findings.push('anomalous_behavior_detected', id);
        screening?.signals.push({ id, ...SIGNALS[id] });
        if (response === 'quarantine') return stop('kill', id, evidence);
        behavior.reasons.push({ code: id, message: evidence });
      }
      return null;
    },
  },
  {
    name: 'decision',
    run: (state, { decide }) => {
      if (!state.screening || !state.policy) return stop('deny', 'undecided', 'a stage gave no answer');
      const { decision, risk } = decide(
        state.screening,
        state.policy,
        scoresOf(state),
        weightsFrom(state.facts.weights),
      );
      state.risk = risk;
      if (decision === 'allow' || decision === 'monitor') state.decision = decision;
      if (decision === 'allow' || decision === 'monitor' || decision === 'escalate') return null;
      return { decision, reasons: state.screening.signals.map((s) => ({ code: s.id, message: `risk ${s.score}` })) };
    },
  },
  {
    name: 'autonomy',
    run: (state, { decide }) => {
      if (!state.screening || !state.policy) return stop('deny', 'undecided', 'a stage gave no answer');
      if (state.sealValid === true) return null; // people approved exactly this
      if (state.sealValid === false)
        return stop('deny', 'approval_void', 'the approval is for something else, or over');
      const { decision } = decide(state.screening, state.policy, scoresOf(state), weightsFrom(state.facts.weights));
      if (decision !== 'escalate') return null;
      state.findings.push('approval_required');
      return { decision: 'escalate', reasons: [...state.behavior.reasons, ...state.policy.reasons] };
    },
  },
];
