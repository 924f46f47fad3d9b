import { randomBytes } from 'node:crypto';
import type { Client, Pool } from 'pg';
import type { Call as Ask } from '../../cli/story';
import { ensureUser, insertKey } from '../../log/provision';
import { adminEmail } from '../cluster/tenants';
import type { Quorum } from '../history/model';
import type { Random } from '../random';
import { listen, request, type Call, type Doors, type Gate } from './calls';
import type { Opened } from './open';
import type { Raced } from './race';

/** Those who vote, and one who may decide on changes and is asked about none. */
const names = ['ann', 'bob', 'cat', 'dan', 'eve'] as const;
type Name = (typeof names)[number];
export interface Person {
  id: string;
  /** Two of theirs: whoever shows them is one person. */
  keys: [string, string];
}
export type People = Record<Name, Person>;
const emailOf = (name: string): string => `${name}@local.test`;

export async function addPeople(db: Client, tenantId: string): Promise<People> {
  const found: Partial<People> = {};
  const role = 'SECURITY_ANALYST';
  for (const name of names) {
    const id = await ensureUser(db, tenantId, emailOf(name), randomBytes(12).toString('hex'), role);
    const key = () => insertKey(db, { tenantId, name, role, userId: id });
    found[name] = { id, keys: [await key(), await key()] };
  }
  return found as People;
}

export interface OpenedToVotes extends Opened {
  quorum: Quorum;
  /** The group that is changed while they vote. */
  group: string;
}

/** Three of whom one stands in both groups; who asks is in the first, and left out by the expression. */
const groups = { a: ['ann', 'bob', 'cat'], b: ['dan', 'ann'] };
const rules: readonly { text: (g: string) => string; quorum: Quorum }[] = [
  {
    text: (g) => `2 of ${g}-a and 1 of ${g}-b and not requester`,
    quorum: { parts: [{ need: 2, of: groups.a }, { need: 1, of: groups.b }] },
  },
  { text: (g) => `any of ${g}-b`, quorum: { parts: [{ need: 1, of: groups.b }] } },
  { text: (g) => `all of ${g}-b`, quorum: { parts: [{ need: 2, of: groups.b }] } },
  {
    text: (g) => `2 of ${g}-a and ${emailOf('dan')} and not requester`,
    quorum: { parts: [{ need: 2, of: groups.a }, { need: 1, of: ['dan'] }] },
  },
]; // prettier-ignore

/** A change that groups of its own decide on. */
export async function openToVotes(ask: Ask, db: Pool, chance: Random, ticket: number): Promise<OpenedToVotes> {
  const group = `g${randomBytes(5).toString('hex')}`;
  const save = (name: string, members: string[]) => ask('POST', '/api/approver-groups', { name, members });
  await save(`${group}-a`, [...groups.a.map(emailOf), adminEmail]);
  await save(`${group}-b`, groups.b.map(emailOf));
  const { text, quorum } = chance.pick(rules);
  const at = performance.now();
  const wanted = { ticket_id: ticket, action: 'restart', target: `web-${chance.below(100)}`, approval_policy: { quorum: text(group) } }; // prettier-ignore
  const { change_id: number } = await ask<{ change_id: number }>('POST', '/api/changes/request', wanted);
  const { rows } = await db.query<{ id: string }>('select id from gates where number = $1', [number]);
  return { number, id: rows[0]?.id ?? '', notBefore: at, at, run: null, altered: false, quorum, group };
}

/**
 * Voters on one gate, some twice, some with another key or another word than before; one who is in no group, and the one who
 * asked; a key that is revoked meanwhile, members who are replaced meanwhile; and those who race over any gate.
 */
export async function raceOfVotes(
  doors: Doors & { people: People; db: Pool; tenantId: string; ask: Ask },
  random: Random,
  gate: Gate & OpenedToVotes,
): Promise<Raced & OpenedToVotes> {
  const { people, db, tenantId, ask } = doors;
  const { http, operators, together, history, strange } = listen(doors, random, gate);
  const mostly = (): Call => (random.below(5) > 0 ? 'approve' : 'reject');
  const vote = (name: Name, key: 0 | 1, verdict: Call) => () => http(`${name}-${key}`, verdict, people[name].keys[key], name); // prettier-ignore

  const label = `brief-${gate.number}`;
  const brief = await insertKey(db, { tenantId, name: label, role: 'SECURITY_ANALYST', userId: people.bob.id });
  const { rows } = await db.query<{ id: string }>('select id from api_keys where name = $1', [label]);
  let revoked = { begun: Infinity, done: Infinity };
  const revoke = async (): Promise<void> => {
    revoked = { begun: performance.now(), done: Infinity };
    const answer = await request(`${random.pick(doors.urls)}/api-keys/${rows[0]?.id}`, doors.requester, 'DELETE').catch(() => null); // prettier-ignore
    if (answer?.status === 200) revoked.done = performance.now();
  };
  const byBrief = async (): Promise<void> => {
    const called = performance.now();
    const status = await http('bob-brief', mostly(), brief, 'bob');
    if (status === 401 && performance.now() < revoked.begun)
      strange.push(`bob's key is good, and was not known for gate ${gate.number}`);
    if (status !== null && status !== 401 && status !== 503 && called > revoked.done)
      strange.push(`bob's key was revoked, and answered ${status} for gate ${gate.number}`);
  };
  const callers = [
    vote('ann', 0, 'approve'),
    vote('ann', 1, mostly()),
    vote('bob', 0, mostly()),
    vote('cat', 0, mostly()),
    vote('cat', 1, 'approve'),
    vote('dan', 0, mostly()),
    vote('eve', 0, 'approve'),
    byBrief,
    byBrief,
    revoke,
    () => http('requester', 'approve', doors.requester, 'requester'),
    () => http('worker', 'complete', doors.requester),
    () => ask('POST', '/api/approver-groups', { name: `${gate.group}-a`, members: [emailOf('eve')] }),
    random.pick(operators),
    () => http('reader-1', 'read', doors.requester),
  ];
  await together(callers, 13);
  return { ...gate, history, strange };
}
