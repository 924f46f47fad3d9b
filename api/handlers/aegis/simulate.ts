import { join } from 'node:path';
import { activeNow, moduleOf } from '../../../db/rego-policies';
import { NotFound } from '../../../domain/errors';
import { perOwner } from '../../../log/shared';
import { loadPolicies, type PolicyInput } from '../../../pipeline/policy';
import { askEach, givingWay } from '../../../pipeline/rego/ask-each';
import type { Loaded } from '../../../pipeline/rego/evaluator';
import { opinionOf } from '../../../pipeline/rego/forms';
import { regoInput } from '../../../pipeline/rego/input';
import {
  inputOf,
  mostFlips,
  replay,
  type Flip,
  type Judge,
  type Replay,
  type Verdict,
} from '../../../pipeline/rego/replay';
import { judgeByRules, type Rule } from '../../../pipeline/rego/rules';
import { strictest } from '../../../pipeline/rego/tenants';
import type { Ctx, Kernel } from '../../kernel';
import { root } from '../../root';
import { made } from './policy-workshop';

/** What is to be tried: rules of a page, or a policy in Rego. */
type Candidate =
  | { policy: readonly Rule[]; agent_id?: string | undefined; time_range: '1h' | '6h' | '24h' | '7d' }
  | { policy_text: string; name?: string | undefined; agent_id?: string | undefined; window_hours: number };

const hoursOf = { '1h': 1, '6h': 6, '24h': 24, '7d': 168 } as const;
const builtinOf = perOwner((kernel: Kernel) =>
  loadPolicies(join(root, 'policy/compiled'), (err) => kernel.logger.error({ err }, 'a policy failed in a simulation')),
);

/** What the candidate says beside everything else that is enforced. */
async function byRego(ctx: Ctx, rego: string, name: string | undefined): Promise<Judge> {
  const [candidate, builtin, others] = await Promise.all([
    made(ctx, rego, null),
    builtinOf(ctx.kernel),
    ctx.read(async (tx) => {
      const loaded: { name: string; loaded: Loaded }[] = [];
      for (const p of await activeNow(tx)) {
        const wasm = p.name === name ? null : await moduleOf(tx, p.id);
        if (!wasm) continue;
        const module = await WebAssembly.compile(new Uint8Array(wasm));
        loaded.push({ name: `${p.name}@${p.version}`, loaded: { key: p.id, module, entrypoints: p.entrypoints } });
      }
      return loaded;
    }),
  ]);
  const asked = [{ name: name ?? 'candidate', loaded: candidate.loaded }, ...others];
  return async (events, until) => {
    const giveWay = givingWay();
    const inputs: { at: number; input: PolicyInput; text: string }[] = [];
    for (const [at, event] of events.entries()) {
      const input = inputOf(event);
      if (input && event.policy)
        inputs.push({ at, input, text: regoInput(input, event.policy.agent, event.policy.version) });
      await giveWay();
    }
    const answers = await askEach(
      ctx.kernel.workshop.evaluator,
      ctx.tenantId,
      asked.map((a) => a.loaded),
      inputs.map((i) => i.text),
      until,
    );
    const verdicts = new Map<number, Verdict>();
    for (const [i, of] of answers.entries()) {
      const { at, input } = inputs[i] ?? {};
      if (at === undefined || input === undefined) throw new Error('an answer to no question');
      const said = asked.map(({ name: policy, loaded }, j) =>
        opinionOf(policy, loaded.entrypoints, of[j] ?? { error: 'no answer' }),
      );
      const { decision, reasons } = strictest(builtin.evaluate(input), said, '');
      verdicts.set(at, { decision, reason: reasons[0]?.code ?? null });
      await giveWay();
    }
    const cameTo = inputs[answers.length]?.at ?? events.length;
    return events.slice(0, cameTo).map((_, at) => verdicts.get(at) ?? null);
  };
}

const flipView = ({ event, was, decision, reason }: Flip) => ({
  event_id: event.id,
  tool: event.tool,
  agent_id: event.agentId,
  timestamp: event.at,
  risk_score: event.risk,
  old_decision: was,
  new_decision: decision,
  reason,
});

const passing = new Set(['allow', 'monitor']);

function view(found: Replay, listed: number) {
  const count = (...decisions: string[]): number => decisions.reduce((n, d) => n + (found.verdicts.get(d) ?? 0), 0);
  const flips = found.flips.map(flipView);
  return {
    coverage: {
      decisions: found.decisions,
      looked_at: found.lookedAt,
      stopped: found.stopped,
      replayed: found.replayed,
      without_input: found.withoutInput,
      not_asked: found.notAsked,
    },
    total_events: found.replayed,
    would_allow: count('allow', 'monitor'),
    would_deny: count('deny', 'kill', 'throttle'),
    would_escalate: count('escalate'),
    no_change: found.replayed - found.flipped,
    diff: flips.slice(0, listed),
    total: found.replayed,
    would_have_blocked: flips
      .filter((f) => passing.has(f.old_decision) && !passing.has(f.new_decision))
      .slice(0, listed),
  };
}

/** @throws NotFound for an agent that is none of the tenant's; RateLimited where enough of the tenant's trials wait */
export async function simulate(ctx: Ctx, body: Candidate) {
  const read: Ctx['read'] = (work) => ctx.read(work);
  const agentId = body.agent_id ?? null;
  if (agentId !== null) {
    const { rowCount } = await ctx.read((tx) => tx.query('select from agents where id = $1', [agentId]));
    if (!rowCount) throw new NotFound(`no agent ${agentId}`);
  }
  return ctx.kernel.workshop.trying(ctx.tenantId, async () => {
    if ('policy' in body) {
      const window = { hours: hoursOf[body.time_range], agentId };
      const judge: Judge = (events) => Promise.resolve(events.map((event) => judgeByRules(body.policy, event)));
      return view(await replay(read, window, (event) => event.decision, judge), 20);
    }
    const judge = await byRego(ctx, body.policy_text, body.name);
    const window = { hours: body.window_hours, agentId };
    return view(await replay(read, window, (event) => event.policy?.decision ?? null, judge), mostFlips);
  });
}
