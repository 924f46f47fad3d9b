import { z } from 'zod';
import type { PolicyDecision } from '../policy';
import type { Evaluated } from './evaluator';

// The forms in which people write policies, and what each of them says.

/** What one policy of a tenant comes to for one call. */
export interface Opinion {
  decision: PolicyDecision;
  /** At least one. */
  reasons: { code: string; message: string }[];
  policyId: string;
  /** -0.3..0.3: what it adds to the risk of the call. */
  adjustment: number;
}

/** Rules that say something, by form; the first form of which a policy has a rule is its own. */
const forms: readonly (readonly string[])[] = [['main'], ['result'], ['deny', 'escalate', 'allow']];

/** What to ask a policy for, as opa's paths; none: it has no rule that says anything. */
export function entrypointsOf(path: readonly string[], rules: readonly string[]): string[] {
  const names = forms.map((form) => form.filter((name) => rules.includes(name))).find((found) => found.length) ?? [];
  return names.map((name) => [...path, name].join('/'));
}

const Reasons = z.array(z.object({ code: z.string().min(1).max(200), message: z.string().max(2_000) })).min(1);
const Main = z.object({
  allow: z.boolean(),
  reason: z.string().max(2_000).nullish(),
  risk_adjustment: z.number().nullish(),
  findings: z.array(z.string().max(200)).max(100).nullish(),
  policy_id: z.string().max(200).nullish(),
  explanation: z.string().max(2_000).nullish(),
});
const Result = z.object({
  decision: z.enum(['allow', 'escalate', 'deny']),
  reasons: Reasons,
  policy_id: z.string().min(1).max(200),
});
const Said = z.union([
  z.string().max(2_000),
  z.object({
    id: z.string().max(200).optional(),
    code: z.string().max(200).optional(),
    msg: z.string().max(2_000).optional(),
    message: z.string().max(2_000).optional(),
  }),
]);
const Rules = z.union([z.boolean(), z.array(Said).max(1_000)]);
/** OPA's result set: one value, or none where the rule is undefined. */
const ResultSet = z.array(z.object({ result: z.unknown() })).max(1);

const clamp = (n: number): number => Math.min(0.3, Math.max(-0.3, n));

function ofMain(value: unknown, name: string): Opinion {
  const said = Main.parse(value);
  const escalates = !said.allow && (said.reason?.endsWith('__escalate') ?? false);
  const code = said.reason?.replace(/__escalate$/, '') || (said.allow ? 'allowed' : 'denied');
  const named = [code, ...(said.findings ?? []).filter((f) => f !== code)];
  return {
    decision: said.allow ? 'allow' : escalates ? 'escalate' : 'deny',
    reasons: named.map((c) => ({ code: c, message: said.explanation ?? `policy ${name}` })),
    policyId: said.policy_id ?? name,
    adjustment: clamp(said.risk_adjustment ?? 0),
  };
}

function ofResult(value: unknown): Opinion {
  const { policy_id: policyId, ...said } = Result.parse(value);
  return { ...said, policyId, adjustment: 0 };
}

const reasonOf = (said: z.output<typeof Said>): Opinion['reasons'][number] =>
  typeof said === 'string'
    ? { code: said, message: said }
    : { code: said.id ?? said.code ?? 'denied', message: said.message ?? said.msg ?? said.id ?? said.code ?? 'denied' };

/** `deny` and `escalate`: sets of reasons, or true. `allow`: then nothing is allowed that it does not allow. */
function ofRules(values: ReadonlyMap<string, unknown>, name: string): Opinion {
  const reasons = (rule: string): Opinion['reasons'] => {
    const said = Rules.parse(values.get(rule) ?? false);
    if (typeof said === 'boolean') return said ? [{ code: rule, message: `policy ${name}` }] : [];
    return said.map(reasonOf);
  };
  const about = { policyId: name, adjustment: 0 };
  const denied = reasons('deny');
  if (denied.length) return { decision: 'deny', reasons: denied, ...about };
  if (values.has('allow') && values.get('allow') !== true) {
    return {
      decision: 'deny',
      reasons: [{ code: 'not_allowed', message: `policy ${name} does not allow it` }],
      ...about,
    };
  }
  const escalated = reasons('escalate');
  if (escalated.length) return { decision: 'escalate', reasons: escalated, ...about };
  return { decision: 'allow', reasons: [{ code: 'allowed', message: `policy ${name}` }], ...about };
}

const [mostReasons, mostOfCode, mostOfMessage] = [100, 200, 2_000];
/** Postgres stores neither zeros nor half a pair of surrogates, and a code is a word, not a page. */
const storable = (text: string, most: number): string => {
  const clean = text.replace(/[\0\p{Cs}]/gu, '\u{fffd}');
  return clean.length > most ? `${clean.slice(0, most - 1).replace(/[\ud800-\udbff]$/, '')}…` : clean;
};

/** What a policy said, as it can be written into the log. What failed, or cannot be understood, denies. */
export function opinionOf(name: string, entrypoints: readonly string[], evaluated: Evaluated): Opinion {
  const opinion = heard(name, entrypoints, evaluated);
  const reasons = opinion.reasons.slice(0, mostReasons).map(({ code, message }) => ({
    code: storable(code, mostOfCode),
    message: storable(message, mostOfMessage),
  }));
  return { ...opinion, reasons, policyId: storable(opinion.policyId, mostOfCode) };
}

function heard(name: string, entrypoints: readonly string[], evaluated: Evaluated): Opinion {
  try {
    if ('error' in evaluated) throw new Error(evaluated.error);
    const values = new Map(
      entrypoints.map((path, i) => [path.split('/').at(-1) ?? '', ResultSet.parse(evaluated.results[i])[0]?.result]),
    );
    if (values.has('main')) return ofMain(values.get('main'), name);
    if (values.has('result')) return ofResult(values.get('result'));
    return ofRules(values, name);
  } catch (error) {
    const why = error instanceof z.ZodError ? (error.issues[0]?.message ?? 'no answer') : (error as Error).message;
    const message = `policy ${name} gave no usable answer: ${why}`;
    return { decision: 'deny', reasons: [{ code: 'policy_unavailable', message }], policyId: name, adjustment: 0 };
  }
}
