import { v7 } from 'uuid';
import { articles, blueprints, postmortems, skills } from '../../db/learning';
import { promotionParts } from '../../db/promotions';
import { notes } from '../../db/tickets';
import type { OutcomeOf } from '../../domain/promotion';
import { house, kindsOf, postmortem, promotion, read, ticketOf, versionsOf } from './promotions';

const lastEntry = async (): Promise<string> =>
  (await house.owner.query<{ n: string }>('select max(seq) as n from log')).rows[0]?.n ?? '';

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
    const last = await lastEntry();
    expect(await promotion(p).all()).toEqual(first);
    expect(await lastEntry()).toBe(last);
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
