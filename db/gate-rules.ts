import { Conflict, Invalid } from '../domain/errors';
import type { Gate } from '../domain/gate';
import { tally, type Approver, type GateRule, type Way } from '../domain/quorum';
import { counted, namesOf, parseQuorum, type Expression, type Named } from '../domain/quorum-parser';
import { QuorumPolicy } from '../domain/quorum.schema';
import { scopesOf, type Scope } from '../domain/scopes';
import type { TenantPolicy } from './policies';
import { prepared } from './prepared';
import type { Read } from './tx';

const deciding: Scope = 'changes:approve';
const requester = 'requester';
/** Everybody who may decide, unless a group has that name. */
const everybody = 'approvers';

/**
 * Whom names stand for now, by the name: a group has its members, an address or id is a person, an unknown name is not in
 * the answer. Those who may not decide are left out.
 */
async function peopleOf(tx: Read, names: readonly string[]): Promise<Map<string, Approver[]>> {
  const { rows } = await prepared<{ wanted: string; id: string | null; name: string; role: string | null; scopes: string[] | null }>(
    tx,
    `with named as (
       select n.wanted, g.id as group_id, m.principal_id as id from unnest($1::text[]) n (wanted)
         join raci_groups g on lower(g.name) = lower(n.wanted) and g.enabled
         left join raci_group_members m on m.group_id = g.id
       union all
       select n.wanted, null, u.id from unnest($1::text[]) n (wanted)
         join users u on lower(u.email) = lower(n.wanted) or u.id::text = lower(n.wanted)
         where not exists (select from raci_groups g where lower(g.name) = lower(n.wanted) and g.enabled)
       union all
       select n.wanted, null, p.id from unnest($1::text[]) n (wanted)
         cross join (select id from users union all select id from api_keys) p
         where lower(n.wanted) = $2
           and not exists (select from raci_groups g where lower(g.name) = lower(n.wanted) and g.enabled)
     )
     select named.wanted, coalesce(u.id, k.id) as id, coalesce(u.email, k.name) as name, u.role, k.scopes
     from named left join users u on u.id = named.id and u.is_active
       left join api_keys k on k.id = named.id and k.user_id is null and k.agent_id is null and k.revoked_at is null
         and (k.expires_at is null or k.expires_at > now())
     order by named.wanted, lower(coalesce(u.email, k.name))`,
    [names, everybody],
  ); // prettier-ignore
  const people = new Map<string, Approver[]>();
  for (const { wanted, id, name, role, scopes } of rows) {
    const known = people.get(wanted) ?? people.set(wanted, []).get(wanted) ?? [];
    const may = role === null ? (scopes ?? []) : scopesOf(role);
    if (id !== null && may.includes(deciding)) known.push({ id, name });
  }
  return people;
}

interface Written {
  policy: QuorumPolicy;
  field: string;
  needs: Expression;
  to: Expression | null;
}
/** `field`: where the policy stands in the request; empty: it is the request. */
const at = (field: string, part: string): string => (field === '' ? part : `${field}.${part}`);
const read = (policy: QuorumPolicy, field: string): Written => ({
  policy,
  field,
  needs: parseQuorum(policy.quorum, at(field, 'quorum')),
  to: policy.escalate ? parseQuorum(policy.escalate.to, at(field, 'escalate.to')) : null,
});

const namesIn = ({ needs, to }: Written): Named[] =>
  [needs, ...(to ? [to] : [])].flatMap((e) => [...namesOf(e.needs), ...e.without.filter((n) => n.name !== requester)]);

/** @throws Invalid for a name that nobody has, and for an expression that all together could not meet */
function assertUsable({ field, needs, to, policy }: Written, people: Map<string, Approver[]>, rule: GateRule): void {
  for (const [part, e] of [
    ['quorum', needs],
    ['escalate.to', to],
  ] as const)
    for (const { name, at: place } of e ? [...namesOf(e.needs), ...e.without.filter((n) => n.name !== requester)] : [])
      if (!people.has(name))
        throw new Invalid(`${at(field, part)}: at character ${place}: there is no group or person "${name}"`, {
          field: at(field, part),
          at: place,
        });
  const { outcome, missing } = tally({ ...rule, escalate: null }, [], false);
  if (outcome !== 'rejected') return;
  const lacking = missing.map((m) => `${m.need} (${m.from.join(', ') || 'nobody'} may)`).join(', ');
  throw new Invalid(`${at(field, 'quorum')}: "${policy.quorum}" can never come about: ${lacking}`, {
    field: at(field, 'quorum'),
  });
}

/** Both are needed. */
const together = (ways: readonly Way[]): Way => {
  const [first, ...more] = ways;
  if (first && more.length === 0) return first;
  return { text: ways.map((w) => `(${w.text})`).join(' and '), needs: { is: 'all', parts: ways.map((w) => w.needs) } };
};

/** What an approval policy says, against the people there are now. @throws Invalid */
export async function assertPolicy(tx: Read, policy: QuorumPolicy, field: string): Promise<void> {
  const written = read(policy, field);
  const people = await peopleOf(tx, namesIn(written).map((n) => n.name)); // prettier-ignore
  assertUsable(written, people, ruleFrom([written], people, []));
}

function ruleFrom(all: readonly Written[], people: Map<string, Approver[]>, asked: readonly string[]): GateRule {
  const sizeOf = (name: string): number => people.get(name)?.length ?? 0;
  const way = (text: string, e: Expression): Way => ({ text, needs: counted(e.needs, sizeOf) });
  const escalating = all.find((w) => w.to);
  const left = all.flatMap((w) => [...w.needs.without, ...(w.to?.without ?? [])]);
  const [remind] = all.flatMap((w) => (w.policy.remind ? [w.policy.remind] : []));
  return {
    ...together(all.map((w) => way(w.policy.quorum, w.needs))),
    people: Object.fromEntries(
      [...new Set(all.flatMap((w) => [w.needs, ...(w.to ? [w.to] : [])]).flatMap((e) => namesOf(e.needs).map((n) => n.name)))].map(
        (name) => [name, people.get(name) ?? []],
      ),
    ),
    without: [...new Set([...asked, ...left.flatMap(({ name }) => (people.get(name) ?? []).map((p) => p.id))])],
    remind: remind ? { everyMs: remind.after_seconds * 1000, times: remind.times } : null,
    escalate: escalating?.policy.escalate
      ? {
          ...together(
            all.map((w) => (w.to && w.policy.escalate ? way(w.policy.escalate.to, w.to) : way(w.policy.quorum, w.needs))),
          ),
          afterMs: escalating.policy.escalate.after_seconds * 1000,
        }
      : null,
  }; // prettier-ignore
}

/**
 * By whom this change is decided: as its tenant's rule for the action says, and as it asks for itself. Null: any one who may.
 * The people are those of now. A tenant's rule holds even where nobody could meet it: then nobody can approve.
 * @throws Invalid for what the request itself says; Conflict when it would escalate where the tenant's rule says when
 */
export async function ruleFor(
  tx: Read,
  gate: Pick<Gate, 'action' | 'riskLevel' | 'approvalPolicy' | 'requestedBy' | 'onBehalfOf'>,
  fourEyes: TenantPolicy['fourEyes'],
): Promise<GateRule | null> {
  const { rows } = await prepared<{ name: string; policy: unknown }>(
    tx,
    'select name, policy from approval_rule_of($1, $2)',
    [gate.action, gate.riskLevel],
  );
  const standing = rows[0] ? read(QuorumPolicy.parse(rows[0].policy), `rule ${rows[0].name}`) : null;
  const own =
    gate.approvalPolicy['quorum'] === undefined
      ? null
      : read(QuorumPolicy.parse(gate.approvalPolicy), 'approval_policy');
  if (standing && own?.to)
    throw new Conflict(`approval_policy.escalate: the rule ${rows[0]?.name ?? ''} says who decides on ${gate.action}, and when that changes`, {
      field: 'approval_policy.escalate',
    }); // prettier-ignore
  const all = [standing, own].filter((w) => w !== null);
  if (!all.length) return null;
  const people = await peopleOf(tx, [...new Set(all.flatMap((w) => namesIn(w).map((n) => n.name)))]);
  const named = all.some((w) => [...w.needs.without, ...(w.to?.without ?? [])].some((n) => n.name === requester));
  const asked = [gate.requestedBy.id, ...(named || fourEyes === 'strict' ? [gate.onBehalfOf?.id ?? null] : [])];
  const without = asked.filter((id) => id !== null);
  if (own) assertUsable(own, people, ruleFrom([own], people, without));
  return ruleFrom(all, people, without);
}
