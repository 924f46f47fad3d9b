import type { RiskWeights } from '../domain/risk';
import { expand, normalise } from './screening/normalise';
import { compositeRisk, type CompositeRisk, type RiskScores } from './screening/risk';
import { rules } from './screening/rules/table';
import { holdsSecret } from './screening/rules/secrets';
import { FINDINGS, SIGNALS, type Finding, type Response, type SignalId } from './screening/signals';
import { flatten, instructionKind, kindsOf, parseEmbedded, Subject, type Field, type Kind } from './screening/subject';

/** Stage 3 of the pipeline: what the arguments of a tool call say, judged before anything is done with them. */

export interface ScreeningOptions {
  /** Longer arguments (names and values together) are a denial of their own; no more than this is read of them. */
  limitCharacters: number;
  /**
   * What a tool's arguments are. `instruction`: something will carry them out, every rule applies. `prose`: data that
   * people read (a log query, a note, a report), where `attack` and `DROP TABLE` are ordinary words; screened for
   * credentials only, but for arguments whose names say that they are instructions (command, sql, url, path, prompt).
   */
  content: 'prose' | 'instruction';
}

export interface Screening {
  /** Canonical names first, then the ids of signals; empty when nothing weighs 20 or more. */
  findings: string[];
  /** All that fired, heaviest first. */
  signals: { id: SignalId; score: number; response: Response; technique: string }[];
  /** 0..1: the heaviest signal. */
  risk: number;
  /** 0..100: the same, as the inherent risk of the call. */
  riskScore: number;
  /** The arguments are longer than the limit: an API answers 413. */
  oversize: boolean;
}

/** From this score on a signal is a finding; below, the tier is `allow`. */
const findingScore = 20;
/** How often its limit the readings of a call may be long: more comes only of texts made to swell when decoded. */
const readings = 16;

/** Pure, synchronous and linear in the length of the arguments, which the limit bounds. */
export function screen(toolName: string, args: unknown, options: ScreeningOptions): Screening {
  const name = toolName.toLowerCase();
  const all = flatten(args);
  const { fields, oversize } = cut(all, options.limitCharacters);
  const fired = new Map<SignalId, Finding>();
  if (oversize) fired.set('oversized_input', 'anomalous_behavior_detected');
  const budget = readings * options.limitCharacters;
  if (options.content === 'instruction') screenInstructions(name, fields, budget, fired);
  else {
    const named = fields.filter((f) => instructionKind(f.key) !== null && !isProseKey(f.key));
    // The name of a tool for prose says nothing about what its arguments would do.
    screenInstructions('', named, budget, fired);
  }
  if (fields.some((f) => isRead(name, f, options) && holdsSecret(f.value))) {
    fired.set('credential_in_message_body', 'data_exfiltration_detected');
  }
  return summarise(fired, oversize);
}

/** What the published contract reads of a call; longer is 413. */
const instructionLimit = 5_000;
/** Reports and notes: as much as a request may carry. */
const proseLimit = 1024 * 1024;

/** Screens a call of a tool by what the tool says its arguments are. */
export function screenCall(tool: { name: string; content: 'prose' | 'instruction' }, args: unknown): Screening {
  const limitCharacters = tool.content === 'prose' ? proseLimit : instructionLimit;
  return screen(tool.name, args, { limitCharacters, content: tool.content });
}

/**
 * The risk of a call and what becomes of it: the strictest of what the sum of all components, the policy and each
 * signal ask for.
 * @param others what the stages after screening found, each 0..1.
 * @param weights of the tenant; the published ones when left out.
 */
export function combine(
  screening: Pick<Screening, 'risk' | 'signals'>,
  policy: { decision: 'allow' | 'escalate' | 'deny'; adjustment?: number },
  others: Partial<Omit<RiskScores, 'inference'>> = {},
  weights?: RiskWeights,
): CompositeRisk {
  const quiet = { behavior: 0, anomaly: 0, cost: 0, cross_agent: 0 };
  const responses = screening.signals.map((signal) => signal.response);
  return compositeRisk(
    { ...quiet, ...others, inference: screening.risk },
    { policy: policy.decision, adjustment: policy.adjustment ?? 0, responses },
    weights,
  );
}

/** Arguments that people read, in a tool for instructions as well. */
function isProseKey(key: string): boolean {
  return instructionKind(key) === 'message' || key === 'content';
}

/** Whether a text ends up before people or a model: there no credential belongs. An API may need its token. */
function isRead(tool: string, field: Field, options: ScreeningOptions): boolean {
  if (options.content === 'prose') return true;
  const kinds = kindsOf(tool, field.key);
  return kinds.has('message') || kinds.has('chat');
}

/** What the rules cost on one more text, however short. */
const subjectCost = 256;
/** What reading one more argument costs, in characters: many small ones are as dear as a long one. */
const argumentCost = 32;

function cut(all: readonly Field[], limit: number): { fields: Field[]; oversize: boolean } {
  const fields: Field[] = [];
  // Name and cost of one argument come free, so that a single text may fill the limit.
  let left = limit + 2 * argumentCost;
  for (const { key, value } of all) {
    const sameList = fields.at(-1)?.key === key;
    const length = value.length + (sameList ? 1 : key.length + argumentCost);
    if (length > left) {
      fields.push({ key: key.slice(0, left), value: value.slice(0, left) });
      return { fields, oversize: true };
    }
    left -= length;
    fields.push({ key, value });
  }
  return { fields, oversize: false };
}

function screenInstructions(
  tool: string,
  fields: readonly Field[],
  budget: number,
  fired: Map<SignalId, Finding>,
): void {
  let left = budget;
  for (const subject of subjectsOf(tool, fields, 2)) {
    left -= subject.text.length + subjectCost;
    if (left < 0) {
      fired.set('oversized_input', 'anomalous_behavior_detected');
      return;
    }
    for (const rule of rules) {
      if (fired.has(rule.signal)) continue;
      if (rule.on.some((kind) => subject.kinds.has(kind)) && rule.match(subject)) fired.set(rule.signal, rule.finding);
    }
  }
}

/** Every text of a call in every reading, and the call as a whole; JSON inside a text is a call of its own. */
function* subjectsOf(tool: string, fields: readonly Field[], depth: number): Generator<Subject> {
  const whole: Field[] = [];
  for (const { key, value } of lists(fields)) {
    const kinds = kindsOf(tool, key);
    const texts = new Set(expand(value).flatMap(normalise));
    let first: string | null = null;
    for (const text of texts) {
      const embedded = depth > 0 ? parseEmbedded(text) : null;
      if (embedded) yield* subjectsOf(tool, flatten(embedded.value), depth - 1);
      first ??= embedded?.isAll ? '' : text;
      // A text that is JSON and nothing else is read as arguments; a model reads it as text all the same.
      if (!embedded?.isAll || kinds.has('chat')) yield new Subject(tool, kinds, complete(text, kinds), []);
    }
    whole.push({ key: normalise(key)[0] ?? '', value: first ?? '' });
  }
  const kinds = kindsOf(tool, '');
  // A single text was read above; a conversation has texts of many, which taken together would only be misread.
  const named = fields.length === 1 ? whole : fields.map(normaliseField);
  const joined = whole.length > 1 && !kinds.has('chat') ? whole.map((f) => `${f.key}: ${f.value}`).join(', ') : '';
  yield new Subject(tool, kinds, joined === '' ? '' : complete(joined, kinds), named);
}

/** The elements of a list stand in one text: `rm`, `-rf` and `/` are one command. */
function lists(fields: readonly Field[]): Field[] {
  const texts: Field[] = [];
  for (const { key, value } of fields) {
    const last = texts.at(-1);
    if (last?.key === key) last.value += ` ${value}`;
    else texts.push({ key, value });
  }
  return texts;
}

function normaliseField({ key, value }: Field): Field {
  return { key: normalise(key)[0] ?? '', value: normalise(expand(value)[0] ?? '')[0] ?? '' };
}

/** A tool that is one command line takes the rest of it. */
function complete(text: string, kinds: ReadonlySet<Kind>): string {
  if (kinds.has('k8s') && !/\b(?:kubectl|helm|oc)\b/.test(text)) return `kubectl ${text}`;
  if (kinds.has('cloud') && !/\b(?:aws|gcloud|gsutil|az|terraform|pulumi)\b/.test(text)) return `aws ${text}`;
  return text;
}

function summarise(fired: ReadonlyMap<SignalId, Finding>, oversize: boolean): Screening {
  const signals = [...fired.keys()]
    .map((id) => ({ id, ...SIGNALS[id] }))
    .sort((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1));
  const weighty = signals.filter((s) => s.score >= findingScore);
  const canonical = weighty.map((s) => fired.get(s.id)).filter((finding) => finding !== undefined);
  const hard = weighty.some((s) => s.response === 'deny' || s.response === 'quarantine');
  const named: readonly string[] = [...canonical, ...(hard ? (['policy_deny'] as const) : [])];
  const ids = weighty.map((s) => s.id).filter((id) => !FINDINGS.some((f) => f === id));
  const riskScore = signals[0]?.score ?? 0;
  return { findings: [...new Set([...named, ...ids])], signals, risk: riskScore / 100, riskScore, oversize };
}
