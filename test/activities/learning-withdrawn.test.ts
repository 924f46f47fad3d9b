import { articles, blueprints, postmortems } from '../../db/learning';
import type { OutcomeOf } from '../../domain/promotion';
import { house, kindsOf, parts, postmortem, promotion, read, ticketOf, versionsOf } from './promotions';

describe('taking back', () => {
  /** What stands, but for when it was written and how often. */
  const snapshot = async () => {
    const { rows } = await house.owner.query<{ row: unknown }>(
      `select to_jsonb(a) - 'updated_at' - 'version' as row from articles a where enabled
       union all select to_jsonb(b) - 'updated_at' - 'version' from blueprints b where status <> 'superseded'
       union all select to_jsonb(s) from skills s order by 1`,
    );
    return rows.map((r) => r.row);
  };

  test('leaves no trace of what was created, and a repeat does nothing', async () => {
    const p = await postmortem(await ticketOf('Withdrawn lesson of lamps'));
    const before = await snapshot();
    const taken = promotion(p);
    await taken.all();
    for (const part of [...parts].reverse()) await taken.takeBack(part);
    expect(await snapshot()).toEqual(before);
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
    const standing = await snapshot();
    const second = promotion(two);
    await second.all();
    for (const part of [...parts].reverse()) await second.takeBack(part);
    expect(await snapshot()).toEqual(standing);

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
