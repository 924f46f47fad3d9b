import { MockActivityEnvironment } from '@temporalio/testing';
import { v7 } from 'uuid';
import {
  learningActivities,
  type PartName,
  type PartOutcome,
  type PromotionRequest,
} from '../../activities/learning/promote';
import { articles, blueprints, postmortems, skills } from '../../db/learning';
import { promotionParts } from '../../db/promotions';
import { notes } from '../../db/tickets';
import type { Postmortem } from '../../domain/learning';
import type { Actor } from '../../domain/principal';
import type { OutcomeOf } from '../../domain/promotion';
import type { Ticket } from '../../domain/ticket';
import { openHouse, type House } from '../house';

const by: Actor = { id: v7(), kind: 'user', name: 'reviewer' };
const parts: PartName[] = ['article', 'skills', 'blueprint', 'close'];
let house: House;

beforeAll(async () => {
  house = await openHouse();
});
afterAll(() => house.close());

async function postmortem(ticket: Ticket | null, fields: Partial<Postmortem> = {}): Promise<Postmortem> {
  const at = new Date().toISOString();
  const row: Postmortem = {
    id: v7(), tenantId: house.tenantId, number: 0, ticketId: ticket?.id ?? null, runId: null, status: 'approved', summary: 'Somebody guessed passwords.',
    wentWell: '- The sources were named.', improvements: '- Block after five failures.', workflowProposal: '1. Read the log.', documentation: 'All of it.',
    skillProposals: ['Count failed passwords', { name: 'Name sources', description: 'Who it was', prompt_template: 'Sources of {log}?' }],
    testCases: [{ name: 'finds the source', given: 'a log' }], guardrails: ['Never log in to try.'], reviewNotes: null, createdBy: 'agent-1',
    reviewedBy: 'reviewer', reviewedAt: at, createdAt: at, updatedAt: at, version: 2, ...fields,
  }; // prettier-ignore
  const written = await house.store.write(house.tenantId, (tx) => postmortems.insert(tx, row));
  if (!written) throw new Error('not written');
  return written;
}

/** A promotion as its workflow makes it: the execution is what tells one from another. */
function promotion(of: Postmortem, wanted: Partial<PromotionRequest> = {}) {
  const request: PromotionRequest = {
    tenantId: house.tenantId, postmortemId: of.id, by, createKnowledge: true, createWorkflow: true, createSkills: true, workflowStatus: 'draft',
    markPromoted: true, ...wanted,
  }; // prettier-ignore
  const environment = new MockActivityEnvironment({
    workflowExecution: { workflowId: `promotion:${of.id}`, runId: v7() },
  });
  const { promotePart, unpromotePart } = learningActivities(house);
  const make = async <P extends PartName>(part: P) =>
    (await environment.run<[PromotionRequest, PartName], PartOutcome, typeof promotePart>(
      promotePart,
      request,
      part,
    )) as OutcomeOf<P>;
  return {
    make,
    takeBack: (part: PartName): Promise<void> => environment.run(unpromotePart, request, part),
    all: async () => {
      const made: PartOutcome[] = [];
      for (const part of parts) made.push(await make(part));
      return made;
    },
  };
}

const read = <T>(work: Parameters<typeof house.store.read<T>>[1]) => house.store.read(house.tenantId, work);
const kindsOf = async (id: string): Promise<string[]> =>
  (await house.owner.query('select kind from log where subject_id = $1 order by seq', [id])).rows.map(
    (r) => r.kind as string,
  );
const versionsOf = async (id: string): Promise<number[]> =>
  (
    await house.owner.query('select version from blueprint_versions where blueprint_id = $1 order by version', [id])
  ).rows.map((r) => r.version as number);

/** Titles that share nothing, so that each test has a workflow key of its own. */
const ticketOf = (title: string) => house.ticket({ title, description: '' });

describe('a promotion', () => {
  test('makes an article, skills and a draft, marks the postmortem and says so on the ticket', async () => {
    const ticket = await ticketOf('Password guessing against bastion');
    const p = await postmortem(ticket);
    const [article, made, blueprint, close] = await promotion(p).all();
    const key = 'incident:password-guessing-against-bastion';
    expect(article).toMatchObject({ part: 'article', action: 'created', workflowKey: key });
    expect(blueprint).toMatchObject({ part: 'blueprint', action: 'created', workflowKey: key, version: 1 });
    expect(close).toEqual({ part: 'close', postmortem: p.number, ticket: ticket.number, status: 'promoted' });

    await read(async (tx) => {
      const a = await articles.byId(tx, (article as OutcomeOf<'article'>).id);
      expect(a).toMatchObject({ externalRef: `workflow:${key}:knowledge`, enabled: true, category: 'postmortem' });
      expect(a?.tags).toEqual([
        'postmortem',
        `postmortem:${p.number}`,
        'workflow',
        `workflow:${key}`,
        `ticket:${ticket.number}`,
      ]);
      expect(a?.body).toContain(`Postmortem Knowledge: postmortem ${p.number}, ticket ${ticket.number}`);
      const names = (made as OutcomeOf<'skills'>).skills.map((s) => s.name);
      expect(names).toEqual([`postmortem-${p.number}-count-failed-passwords`, `postmortem-${p.number}-name-sources`]);
      const skill = await skills.byId(tx, (made as OutcomeOf<'skills'>).skills[1]?.id ?? '');
      expect(skill).toMatchObject({
        category: 'postmortem',
        enabled: true,
        assignedToAll: false,
        promptTemplate: 'Sources of {log}?',
      });
      const b = await blueprints.byId(tx, (blueprint as OutcomeOf<'blueprint'>).id);
      expect(b).toMatchObject({
        status: 'draft',
        ticketClass: 'Incident',
        skillIds: (made as OutcomeOf<'skills'>).skills.map((s) => s.number),
      });
      expect(b?.approvalPolicy).toMatchObject({
        workflow_key: key, requires_human_review_before_activation: true, postmortem_ids: [p.number], guardrails: ['Never log in to try.'],
      }); // prettier-ignore
      expect(await postmortems.byId(tx, p.id)).toMatchObject({ status: 'promoted', version: 3 });
      const [note] = await notes.list(tx, 'where ticket_id = $1', [ticket.id]);
      expect(note).toMatchObject({
        source: 'postmortem',
        author: 'reviewer',
        externalRef: `postmortem:${p.number}:promotion`,
      });
      expect(note?.body).toContain(`Postmortem ${p.number} promoted by reviewer`);
    });
    expect(await kindsOf(p.id)).toEqual(['postmortem.promoted']);
    expect(await versionsOf((blueprint as OutcomeOf<'blueprint'>).id)).toEqual([1]);
  });

  test('that is repeated finds the same and writes nothing', async () => {
    const ticket = await ticketOf('Repeated lesson about cabinets');
    const p = await postmortem(ticket);
    const first = await promotion(p).all();
    const seq = (await house.owner.query('select max(seq) as n from log')).rows[0].n as number;
    expect(await promotion(p).all()).toEqual(first);
    expect((await house.owner.query('select max(seq) as n from log')).rows[0].n).toBe(seq);
    await read(async (tx) => {
      expect(await notes.list(tx, 'where ticket_id = $1', [ticket.id])).toHaveLength(1);
      expect(await skills.list(tx, `where name like $1`, [`postmortem-${p.number}-%`])).toHaveLength(2);
      expect(await promotionParts(tx, p.id)).toHaveLength(4);
    });
  });

  test.each(['draft', 'ready_for_review', 'needs_revision'] as const)(
    'of one that is %s is refused',
    async (status) => {
      const p = await postmortem(null, { status });
      await expect(promotion(p).make('article')).rejects.toMatchObject({ code: 'Conflict', details: { status } });
      await expect(promotion(p).make('close')).rejects.toMatchObject({ code: 'Conflict' });
    },
  );

  test('of one that does not exist, or is another tenant’s, is refused alike', async () => {
    const p = await postmortem(null);
    const elsewhere = await house.tenant('elsewhere');
    const foreign = promotion(p, { tenantId: elsewhere.tenantId });
    const missing = promotion({ ...p, id: v7() });
    await expect(foreign.make('article')).rejects.toMatchObject({ code: 'NotFound' });
    await expect(missing.make('article')).rejects.toMatchObject({ code: 'NotFound' });
  });

  test('without a mark leaves it approved, and a later one marks it', async () => {
    const p = await postmortem(await ticketOf('Unmarked lesson of drawers'));
    const unmarked = promotion(p, { markPromoted: false });
    await unmarked.make('article');
    await unmarked.make('skills');
    await unmarked.make('blueprint');
    expect(await unmarked.make('close')).toMatchObject({ status: 'approved' });
    expect(await promotion(p).make('close')).toMatchObject({ status: 'promoted' });
    expect((await read((tx) => postmortems.byId(tx, p.id)))?.status).toBe('promoted');
  });

  test('is not closed over parts that another one took back', async () => {
    const p = await postmortem(await ticketOf('Vanished lesson of windows'));
    const first = promotion(p);
    const second = promotion(p);
    await first.make('article');
    await second.make('article');
    await second.make('skills');
    await second.make('blueprint');
    await first.takeBack('article');
    await expect(second.make('close')).rejects.toMatchObject({ code: 'Conflict', details: { missing: ['article'] } });
  });

  test('takes the key that the proposal states', async () => {
    const p = await postmortem(await ticketOf('Stated lesson of keys'), {
      workflowProposal: 'Workflow key: incident:auth-failures-x\n1. Look.',
    });
    expect(await promotion(p).make('blueprint')).toMatchObject({ workflowKey: 'incident:auth-failures-x' });
  });

  test('of nothing but a sentence is a promotion all the same', async () => {
    const p = await postmortem(null, {
      summary: 'Phishing again.', wentWell: '', improvements: '', workflowProposal: '', documentation: '', skillProposals: ['Same words', 'same words', {}, 7, null],
      testCases: [], guardrails: [],
    }); // prettier-ignore
    const [article, made, blueprint, close] = await promotion(p).all();
    expect(article).toMatchObject({ workflowKey: 'global:phishing' });
    const names = (made as OutcomeOf<'skills'>).skills.map((s) => s.name);
    expect(new Set(names).size).toBe(5);
    expect(blueprint).toMatchObject({ action: 'created' });
    expect(close).toMatchObject({ ticket: null, status: 'promoted' });
  });
});

describe('a similar lesson', () => {
  test('adds to article and blueprint, keeps every version and the state people gave it', async () => {
    const one = await postmortem(await ticketOf('Shared lesson on ladders'));
    const two = await postmortem(await ticketOf('Shared lesson on ladders'), {
      summary: 'It happened again.',
      guardrails: ['Never log in to try.', 'Ask first.'],
    });
    const [, , b1] = await promotion(one).all();
    await house.owner.query(`update blueprints set status = 'active' where id = $1`, [
      (b1 as OutcomeOf<'blueprint'>).id,
    ]);
    const [a2, , b2] = await promotion(two).all();
    expect(a2).toMatchObject({ action: 'updated' });
    expect(b2).toMatchObject({ action: 'updated', id: (b1 as OutcomeOf<'blueprint'>).id, version: 2 });
    await read(async (tx) => {
      const b = await blueprints.byId(tx, (b2 as OutcomeOf<'blueprint'>).id);
      expect(b?.status).toBe('active');
      expect(b?.approvalPolicy).toMatchObject({
        postmortem_ids: [one.number, two.number],
        guardrails: ['Never log in to try.', 'Ask first.'],
      });
      expect(b?.skillIds).toHaveLength(4);
      const a = await articles.byId(tx, (a2 as OutcomeOf<'article'>).id);
      expect(a?.body.match(/Postmortem Knowledge/g)).toHaveLength(2);
      expect(a?.body).toContain('Somebody guessed passwords.');
      expect(a?.body).toContain('It happened again.');
    });
    expect(await versionsOf((b2 as OutcomeOf<'blueprint'>).id)).toEqual([1, 2]);
  });

  test('starts anew when the blueprint was superseded', async () => {
    const one = await postmortem(await ticketOf('Superseded lesson of carpets'));
    const two = await postmortem(await ticketOf('Superseded lesson of carpets'));
    const first = await promotion(one).make('blueprint');
    await house.owner.query(`update blueprints set status = 'superseded' where id = $1`, [first.id]);
    expect(await promotion(two).make('blueprint')).toMatchObject({ action: 'created', version: 1 });
  });

  test('many at once lose nothing', async () => {
    const lessons = await Promise.all(
      Array.from({ length: 8 }, async (_, i) =>
        postmortem(await ticketOf('Crowded lesson in elevators'), { summary: `Lesson number ${i}.` }),
      ),
    );
    const done = await Promise.all(lessons.map((p) => promotion(p).all()));
    const made = done.map((d) => d[2] as OutcomeOf<'blueprint'>);
    expect(new Set(made.map((m) => m.id)).size).toBe(1);
    expect(made.map((m) => m.version).sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(made.filter((m) => m.action === 'created')).toHaveLength(1);
    await read(async (tx) => {
      const b = await blueprints.byId(tx, made[0]?.id ?? '');
      expect(b?.approvalPolicy['postmortem_ids']).toHaveLength(8);
      expect(b?.skillIds).toHaveLength(16);
      const a = await articles.byId(tx, (done[0]?.[0] as OutcomeOf<'article'>).id);
      for (const p of lessons) expect(a?.body).toContain(p.summary);
    });
    expect(await versionsOf(made[0]?.id ?? '')).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  test('two promotions of one postmortem at once make one of everything', async () => {
    const p = await postmortem(await ticketOf('Doubled lesson of mirrors'));
    const [one, two] = await Promise.all([promotion(p).all(), promotion(p).all()]);
    expect(one).toEqual(two);
    expect(await read((tx) => skills.list(tx, 'where name like $1', [`postmortem-${p.number}-%`]))).toHaveLength(2);
  });
});

describe('taking back', () => {
  const snapshot = (title: string) =>
    read(async (tx) => ({
      articles: (await articles.list(tx, 'where enabled order by number', [])).map(({ updatedAt, ...rest }) => rest),
      blueprints: (await blueprints.list(tx, `where status <> 'superseded' order by number`, [])).map(
        ({ updatedAt, version, ...rest }) => rest,
      ),
      skills: await skills.list(tx, 'order by number', []),
      title,
    }));

  test('leaves no trace of what was created, and a repeat does nothing', async () => {
    const p = await postmortem(await ticketOf('Withdrawn lesson of lamps'));
    const before = await snapshot('');
    const taken = promotion(p);
    await taken.all();
    for (const part of [...parts].reverse()) await taken.takeBack(part);
    expect(await snapshot('')).toEqual(before);
    expect((await read((tx) => postmortems.byId(tx, p.id)))?.status).toBe('approved');
    const entries = (await kindsOf(p.id)).length;
    for (const part of [...parts].reverse()) await taken.takeBack(part);
    expect((await kindsOf(p.id)).length).toBe(entries);
    expect(await promotion(p).make('article')).toMatchObject({ action: 'created' });
  });

  test('restores what was updated, in whatever order the others came', async () => {
    const title = 'Restored lesson of bridges';
    const one = await postmortem(await ticketOf(title), { summary: 'First.' });
    const two = await postmortem(await ticketOf(title), { summary: 'Second.' });
    const three = await postmortem(await ticketOf(title), { summary: 'Third.' });
    await promotion(one).all();
    const standing = await snapshot(title);
    const second = promotion(two);
    await second.all();
    for (const part of [...parts].reverse()) await second.takeBack(part);
    expect(await snapshot(title)).toEqual(standing);

    const again = promotion(two);
    const b = await again.make('blueprint');
    await again.make('article');
    const [third] = await promotion(three).all();
    await again.takeBack('article');
    await again.takeBack('blueprint');
    await read(async (tx) => {
      const article = await articles.byId(tx, (third as OutcomeOf<'article'>).id);
      expect(article?.body).toContain('First.');
      expect(article?.body).toContain('Third.');
      expect(article?.body).not.toContain('Second.');
      expect(article?.tags).not.toContain(`postmortem:${two.number}`);
      const blueprint = await blueprints.byId(tx, b.id);
      expect(blueprint?.approvalPolicy['postmortem_ids']).toEqual([one.number, three.number]);
      expect(blueprint?.blueprint).not.toContain(`postmortem ${two.number},`);
    });
    expect((await versionsOf(b.id)).at(-1)).toBe(6);
  });

  test('of the first lesson leaves those that came after it', async () => {
    const title = 'Overtaken lesson of stairs';
    const one = promotion(await postmortem(await ticketOf(title), { summary: 'First.' }));
    const two = await postmortem(await ticketOf(title), { summary: 'Second.' });
    const [a] = [await one.make('article'), await one.make('blueprint')];
    const [, , b] = await promotion(two).all();
    await one.takeBack('blueprint');
    await one.takeBack('article');
    await read(async (tx) => {
      const article = await articles.byId(tx, a.id);
      expect(article).toMatchObject({ enabled: true });
      expect(article?.body).toMatch(/^## Postmortem Knowledge: .*\n\nSecond\./);
      expect(await blueprints.byId(tx, (b as OutcomeOf<'blueprint'>).id)).toMatchObject({ status: 'draft' });
    });
  });

  test('takes nothing that another promotion made', async () => {
    const p = await postmortem(await ticketOf('Foreign lesson of gates'));
    const [a] = await promotion(p).all();
    const second = promotion(p);
    await second.all();
    for (const part of parts) await second.takeBack(part);
    expect(await promotion(p).make('article')).toEqual(a);
    expect((await read((tx) => postmortems.byId(tx, p.id)))?.status).toBe('promoted');
  });

  test('leaves what somebody has rewritten by hand', async () => {
    const title = 'Rewritten lesson of doors';
    await promotion(await postmortem(await ticketOf(title))).all();
    const second = promotion(await postmortem(await ticketOf(title), { summary: 'Second.' }));
    const article = await second.make('article');
    await house.owner.query(`update articles set body = 'By hand.' where id = $1`, [article.id]);
    await second.takeBack('article');
    expect((await read((tx) => articles.byId(tx, article.id)))?.body).toBe('By hand.');
  });
});
