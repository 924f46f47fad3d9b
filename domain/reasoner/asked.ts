import type { Brief, Move, Observation } from '../harness';
import type { ModelTurn, ToolAsk } from '../model-turn';

/** What a model asks of the kernel itself, beside the tools that its agent is granted. */
export const ownTools = { propose: 'propose_change', access: 'request_access', finish: 'finish' } as const;

type Proposal = Extract<Move, { kind: 'propose' }>;

/** What came of a call, as the model is told. A fault is the model's own: there is no such tool, or no such argument. */
export interface Answer {
  text: string;
  error: boolean;
  fault: boolean;
}
/** A call that a model asked for: answered, or still to be carried out. */
export type Standing = { ask: ToolAsk } & ({ answer: Answer; open: null } | { answer: null; open: Move });

export interface Asked {
  /** Of each turn, in order. */
  turns: Standing[][];
  /** The change that people are asked about. */
  proposal: Proposal | null;
}

/** Reasons of the pipeline that say the model was wrong about what there is. */
const faults: readonly string[] = ['unknown_tool', 'invalid_arguments'];
const carriedOut = ({ decision }: Observation): boolean => decision === 'allow' || decision === 'monitor';

const said = (text: string): Answer => ({ text, error: false, fault: false });
const wrong = (text: string): Answer => ({ text, error: true, fault: true });

/** The result as JSON behind its digest, which a report cites; or why there is none. */
export function answerOf(seen: Observation): Answer {
  if (carriedOut(seen)) return said(`digest ${seen.digest ?? 'none'}\n${JSON.stringify(seen.result ?? null)}`);
  const reasons = seen.reasons ?? [];
  const why = reasons.map((r) => r.message).join('; ') || 'no reason given';
  const hint = seen.decision === 'escalate' ? `. People decide that: propose it with ${ownTools.propose}` : '';
  return {
    text: `refused (${seen.decision}): ${why}${hint}`,
    error: true,
    fault: reasons.some((r) => faults.includes(r.code)),
  };
}

const text = (value: unknown): string | null =>
  typeof value === 'string' && value.trim() !== '' ? value.trim() : null;
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The words before a call are why it is made. */
const mostWhy = 300;
const whyOf = (turn: ModelTurn): string =>
  turn.text.trim().slice(0, mostWhy).toWellFormed() || 'the model asked for it';

function finishing(args: Record<string, unknown>): Move | Answer {
  const summary = text(args['summary']);
  return summary ? { kind: 'finish', summary } : wrong('summary: say in words what was found and done');
}

function accessing(args: Record<string, unknown>): Extract<Move, { kind: 'request_access' }> | Answer {
  const [system, resource, reason] = [text(args['system']), text(args['resource']), text(args['reason'])];
  if (!system || !resource || !reason) return wrong('system, resource, reason: each of them is needed, as text');
  const permission = text(args['permission']) ?? 'read';
  return {
    kind: 'request_access', system, resource, permission, reason,
    lease: { system, resourceType: text(args['resource_type']) ?? 'resource', resourceId: resource, action: permission },
  }; // prettier-ignore
}

function proposing(args: Record<string, unknown>): Proposal | Answer {
  const [tool, reason, asked] = [text(args['tool']), text(args['reason']), args['arguments']];
  if (!tool || !reason || !isObject(asked))
    return wrong('tool, reason: needed, as text; arguments: needed, as an object');
  const target = text(args['target']) ?? text(asked['slug']) ?? tool;
  const action = tool === 'site.publish' ? 'publish_static_site' : tool;
  return { kind: 'propose', action, target, reason, tool, args: asked };
}

/**
 * Every call of every turn with what came of it. Each call that the ledger keeps takes one step, from its turn's on and in its
 * order, whatever was refused: so rows alone say what was done.
 */
export function askedIn(brief: Brief, observations: readonly Observation[], turns: readonly ModelTurn[]): Asked {
  const byStep = new Map(observations.map((o) => [o.step, o]));
  let proposal: Proposal | null = null;

  const stands = (ask: ToolAsk, turn: ModelTurn, isLast: boolean, takeStep: () => number): Move | Answer => {
    if (!ask.args) return wrong('the arguments were no JSON object');
    if (ask.tool === ownTools.finish) {
      const end = finishing(ask.args);
      return isLast || 'text' in end ? end : said('not finished: people said something since');
    }
    if (ask.tool === ownTools.access) {
      const wanted = accessing(ask.args);
      if ('text' in wanted) return wanted;
      const known = brief.access.findLast((a) => a.system === wanted.system);
      if (!known) return wanted;
      return said(`access to ${known.system}: ${known.status}${known.credentialRef ? `, ${known.credentialRef}` : ''}`);
    }
    if (ask.tool === ownTools.propose) {
      const change = proposing(ask.args);
      if ('text' in change) return change;
      if (proposal) return { ...wrong('a change is proposed already, and a run has one'), fault: false };
      const seen = byStep.get(takeStep());
      if (!seen) return change;
      if (seen.decision !== 'escalate') return answerOf(seen);
      proposal = { ...change, at: seen.step };
      return said('proposed: people decide now, and it is carried out when they approve');
    }
    const seen = byStep.get(takeStep());
    return seen ? answerOf(seen) : { kind: 'call', tool: ask.tool, args: ask.args, why: whyOf(turn) };
  };

  const standing = turns.map((turn, i) => {
    let { step } = turn;
    return turn.calls.map((ask): Standing => {
      const it = stands(ask, turn, i === turns.length - 1, () => step++);
      return 'text' in it ? { ask, answer: it, open: null } : { ask, answer: null, open: it };
    });
  });
  return { turns: standing, proposal };
}
