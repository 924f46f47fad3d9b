import type { GateView } from '../../../db/changes';
import { noticesOf } from '../../../db/gate-notices';
import { callsMade, votesOf } from '../../../db/gate-votes';
import { mayBeTold } from '../../../domain/gate-notice';
import { standsUnder, tally } from '../../../domain/quorum';
import type { Ctx } from '../../kernel';

const scope = 'changes:approve' as const;

/** Who can decide on a change now, and what is still missing. Only one that is decided by votes has more than its row. */
export async function approvalOf(ctx: Ctx, gate: GateView) {
  const { rule } = gate;
  const plain = { scope, except: [gate.requestedBy.name], quorum: null, can_decide: null, missing: [], votes: [] };
  const notices = mayBeTold(gate) ? await ctx.read((tx) => noticesOf(tx, gate.id)) : [];
  const told = notices.map((m) => ({
    id: m.id, group: m.group, event: m.event, n: m.n, status: m.notification, attempts: m.notifyAttempts, error: m.notifyError,
    delivered_at: m.notifiedAt,
  })); // prettier-ignore
  if (!rule) return { ...plain, reminded_at: [], escalation: null, told };
  const { votes, calls } = await ctx.read(async (tx) => ({
    votes: await votesOf(tx, gate.id),
    calls: await callsMade(tx, gate.id),
  }));
  const escalated = calls.find((c) => c.kind === 'escalate');
  const cast = votes.map((v) => ({ by: { id: v.voterId, name: v.voter.name }, verdict: v.verdict }));
  const found = tally(rule, cast, escalated !== undefined);
  const waits = gate.status === 'pending';
  return {
    scope,
    except: [...plain.except, ...leftOut(rule)].filter((name, i, all) => all.indexOf(name) === i),
    quorum: rule.text,
    can_decide: waits ? found.open.map(({ id, name }) => ({ id, name, groups: standsUnder(rule, id) })) : [],
    missing: waits ? found.missing : [],
    votes: votes.map((v) => ({
      id: v.voterId,
      by: v.voter.name,
      verdict: v.verdict,
      reason: v.reason,
      at: v.votedAt,
      groups: standsUnder(rule, v.voterId),
    })),
    reminded_at: calls.filter((c) => c.kind === 'remind').map((c) => c.at),
    escalation: rule.escalate && {
      to: rule.escalate.text,
      at: escalated?.at ?? new Date(Date.parse(gate.requestedAt) + rule.escalate.afterMs).toISOString(),
      escalated: escalated !== undefined,
    },
    told,
  };
}

/** Members of the groups that are asked, whose vote does not count. */
const leftOut = ({ people, without }: NonNullable<GateView['rule']>): string[] =>
  Object.values(people).flatMap((group) => group.filter((p) => without.includes(p.id)).map((p) => p.name));
