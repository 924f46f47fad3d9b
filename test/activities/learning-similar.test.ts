import { articles, blueprints, skills } from '../../db/learning';
import type { OutcomeOf } from '../../domain/promotion';
import { house, postmortem, promotion, read, ticketOf, versionsOf } from './promotions';

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
