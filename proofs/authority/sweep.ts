import type { Client } from 'pg';
import type { Mounted } from '../../api/http/mount';
import { actorNames, isOpen, type Actor } from './actors';
import type { Declared } from './declaration';
import { declared } from './declared';
import { expectForeign, expectOwn, placesOf, success, type Expected } from './expect';
import { request, said, type Answer } from './request';
import { changed, rowsOf } from './rows';
import { missing, type Tenant } from './world';

export interface Swept {
  cells: number;
  held: number;
  /** Answers of 2xx that another tenant's id was given, where it names something. */
  foreign2xx: number;
  violations: string[];
}
export interface Stage {
  url: string;
  owner: Client;
  here: Tenant;
  there: Tenant;
}
interface Op extends Mounted {
  entry: Declared;
}

/** What ends what others need comes last. */
const last = ['updateAgent', 'restartAgent', 'unassignAgent', 'stopAgent', 'setKillSwitch', 'releaseKillSwitch'];
const order = (operations: readonly Mounted[]): Op[] =>
  [...operations]
    .sort((a, b) => last.indexOf(a.name) - last.indexOf(b.name))
    .map((o) => ({ ...o, entry: declared[o.name] ?? { ids: {} } }));

/** Guesses of a password are counted by address: one caller is enough, nobody is logged in before. */
const callersOf = (op: Op, actors: readonly Actor[]): readonly Actor[] =>
  op.op.access === 'login' ? actors.slice(0, 1) : actors;

export const cellsOf = (operations: readonly Mounted[]): number =>
  order(operations)
    .map((o) => (1 + placesOf(o.op, o.entry).length) * (o.op.access === 'login' ? 1 : actorNames.length))
    .reduce((sum, n) => sum + n, 0);

async function each<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  const worker = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: 6 }, worker));
}

/** Refusals are counted by address, and a thousand in a minute are told to wait: here they are the work. */
const forgive = (owner: Client) => owner.query(`delete from rate_limits where key like '%refused:%'`);

class Book implements Swept {
  cells = 0;
  held = 0;
  foreign2xx = 0;
  readonly violations: string[] = [];

  cell(name: string, faults: readonly (string | false)[]): void {
    const found = faults.filter((f): f is string => f !== false);
    this.cells += 1;
    if (found.length) this.violations.push(`${name}: ${found.join('; ')}`);
    else this.held += 1;
  }
}

const unlike = (a: Answer, e: Expected): (string | false)[] => [
  !e.statuses.includes(a.status) &&
    `answered ${a.status} instead of ${e.statuses.join(' or ')}: ${a.text.slice(0, 200)}`,
  e.scope !== undefined && !a.text.includes(e.scope) && `the refusal does not name ${e.scope}`,
];

/** Everybody of `there`, with an id of `here` at each place in turn. Not a row of `here` may move. */
export async function sweepForeign(stage: Stage, operations: readonly Mounted[]): Promise<Swept> {
  const { url, owner, here, there } = stage;
  const book = new Book();
  for (const o of order(operations)) {
    const before = await rowsOf(owner, here.tenantId);
    await there.refresh(o.entry.fresh);
    await forgive(owner);
    const cells = placesOf(o.op, o.entry).flatMap((place) =>
      callersOf(o, there.actors).map((actor) => ({ place, actor })),
    );
    await each(cells, async ({ place, actor }) => {
      const expected = expectForeign(actor, o.op, o.entry, place);
      const noun = o.entry.ids[place]?.noun ?? 'tenant';
      const ask = (value: unknown) =>
        request(url, o.op, o.entry, {
          token: actor.token,
          tenant: there,
          ...(place === 'inner.tenant_id' ? { inner: String(value) } : { instead: { [place]: value } }),
          ...(!o.entry.ids[place] && place === 'header.X-Tenant-ID' && { headers: { 'x-tenant-id': String(value) } }),
        });
      const foreign = await ask(here.ids[noun]);
      const names =
        !isOpen(o.op) &&
        foreign.status < 300 &&
        o.entry.ids[place] &&
        expected.alike &&
        !expected.statuses.includes(foreign.status);
      if (names) book.foreign2xx += 1;
      // Before anything else is looked at, a tenant that is not the credential's is refused: one caller shows how.
      const compare = expected.alike && (place !== 'header.X-Tenant-ID' || actor === there.actors[1]);
      const none = compare ? await ask(missing(noun, here.ids[noun])) : null;
      book.cell(`${o.name} by ${actor.name} of another tenant, ${place}`, [
        ...unlike(foreign, expected),
        foreign.text.includes(here.mark) && 'the answer holds what is not theirs',
        none !== null && said(foreign) !== said(none) && `unlike a missing one: ${said(foreign)} and ${said(none)}`,
      ]);
    });
    const moved = changed(before, await rowsOf(owner, here.tenantId));
    if (moved.length) book.violations.push(`${o.name} from another tenant has written to ${moved.join(', ')}`);
  }
  return book;
}

/** What a credential that is bound to another ticket may not read in a list. */
const hides = (o: Op, actor: Actor): boolean =>
  actor.bound === 'elsewhere' && /^(tickets|agents|changes|postmortems):/.test(o.op.access);

/** Everybody in their own tenant: first those who are refused, over rows that may not move, then those who may. */
export async function sweepOwn(stage: Stage, operations: readonly Mounted[]): Promise<Swept> {
  const { url, owner, here } = stage;
  const book = new Book();
  const ask = (o: Op, actor: Actor) => request(url, o.op, o.entry, { token: actor.token, tenant: here });
  const run = async (o: Op, refused: boolean): Promise<number[]> => {
    const reached: number[] = [];
    const cells = callersOf(o, here.actors)
      .map((actor) => ({ actor, expected: expectOwn(actor, o.op, o.entry) }))
      .filter(({ expected }) => expected.refused === refused);
    await each(cells, async ({ actor, expected }) => {
      const answer = await ask(o, actor);
      reached.push(answer.status);
      const leaks = hides(o, actor) && answer.text.includes(here.mark);
      book.cell(`${o.name} by ${actor.name}`, [...unlike(answer, expected), leaks && 'shows another ticket']);
    });
    return reached;
  };
  for (const o of order(operations)) {
    const before = await rowsOf(owner, here.tenantId);
    await forgive(owner);
    await run(o, true);
    const moved = changed(before, await rowsOf(owner, here.tenantId));
    if (moved.length) book.violations.push(`${o.name}, refused, has written to ${moved.join(', ')}`);
  }
  for (const o of order(operations)) {
    await here.refresh(o.entry.fresh);
    const reached = await run(o, false);
    const wanted = success(o.op, o.entry);
    if (wanted.includes(403)) continue; // is for credentials that are not among these: the declaration says where it is tried
    if (!reached.some((status) => wanted.includes(status)))
      book.violations.push(`${o.name}: nobody got anywhere with it: ${reached.join(', ')}`);
  }
  return book;
}
