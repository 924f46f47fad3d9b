import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Run } from '../../../domain/run';
import { createLogger } from '../../../log/logger';
import { bringSitesOver } from '../../../pipeline/publishing/bring-over';
import { publishPage, type Publication } from '../../../pipeline/publishing/publish';
import type { House } from '../../house';

/** What the tests of publishing share; there from `beforeAll` on. */
export interface Publishing {
  house: House;
  run: Run;
  deps: () => Pick<House, 'store' | 'files'> & { publicUrl: string | null };
  publication: (slug: string, of?: Partial<Publication>) => Publication;
  arriving: () => string[];
  kindsOf: (slug: string) => Promise<string[]>;
}

/** What is published again, and what was before. */
export function repeats(of: Publishing): void {
  let house: House;
  let run: Run;
  beforeAll(() => void ({ house, run } = of));
  const { deps, publication, arriving, kindsOf } = of;

  describe('a repeat', () => {
    const page = (slug: string, html: string) =>
      publishPage(deps(), publication(slug, { effect: `${run.id}-9` }), html);

    test('finds what was done, and says it once', async () => {
      const first = await page('repeated', 'x');
      expect(await page('repeated', 'x')).toEqual(first);
      expect(await kindsOf('repeated')).toEqual(['publication.published']);
    });

    test('at the same time changes nothing about the result', async () => {
      const done = await Promise.all(Array.from({ length: 4 }, () => page('doubled', 'x')));
      expect(new Set(done.map((d) => d.digest)).size).toBe(1);
      expect(await house.page('doubled')).toBe('x');
      expect(await kindsOf('doubled')).toEqual(['publication.published']);
      expect(arriving()).toEqual([]);
    });

    test('after a crash before the commit does what was not done', async () => {
      const dies = new Error('the process dies here');
      const files = { ...house.files };
      const store: typeof house.store = {
        ...house.store,
        write: (tenant, work) =>
          house.store.write(tenant, async (tx) => {
            await work(tx);
            throw dies;
          }),
      };
      const p = publication('crashed', { effect: `${run.id}-9` });
      await expect(publishPage({ store, files, publicUrl: null }, p, 'x')).rejects.toBe(dies);
      expect(await house.page('crashed')).toBeNull();
      await page('crashed', 'x');
      expect(await house.page('crashed')).toBe('x');
      expect(await kindsOf('crashed')).toEqual(['publication.published']);
    });

    test('of what was approved once, with another content or address, publishes nothing', async () => {
      const approved = (slug: string, html: string, effect = 'gate-a') =>
        publishPage(deps(), publication(slug, { effect, once: true }), html);
      const first = await approved('approved', 'x');
      await expect(approved('approved', 'y')).rejects.toMatchObject({ code: 'Conflict' });
      await expect(approved('approved-too', 'x')).rejects.toMatchObject({ code: 'Conflict' });
      expect(await approved('approved', 'x')).toEqual(first);
      expect(await house.page('approved')).toBe('x');
      const slugs = ['at-once-1', 'at-once-2', 'at-once-3', 'at-once-4'];
      const done = await Promise.allSettled(slugs.map((slug) => approved(slug, 'x', 'gate-b')));
      expect(done.filter((d) => d.status === 'fulfilled')).toHaveLength(1);
    });

    test('that comes late leaves what was published since', async () => {
      const of = (step: number) => publication('late', { effect: `${run.id}-${step}` });
      const first = await publishPage(deps(), of(1), 'first');
      await publishPage(deps(), of(2), 'second');
      expect(await publishPage(deps(), of(1), 'first')).toEqual(first);
      expect(await house.page('late')).toBe('second');
    });
  });

  describe('sites that were published before deployments were kept', () => {
    const bring = () => bringSitesOver(house, createLogger('silent', 'test'), new AbortController().signal);
    const before = async (slug: string, files: Record<string, string>): Promise<void> => {
      await house.owner.query(
        `insert into publications (slug, tenant_id, run_id, ticket_id, digest, file_count, total_bytes) values ($1, $2, $3, $4, 'x', 1, 1)`,
        [slug, run.tenantId, run.id, run.ticketId],
      );
      for (const [path, text] of Object.entries(files)) {
        const at = join(house.dataDir, 'published', slug, path);
        mkdirSync(dirname(at), { recursive: true });
        writeFileSync(at, text);
      }
    };

    test('are seen again, each once, and one that is gone keeps none back', async () => {
      await before('gone-before', {});
      await before('old', { 'index.html': 'old', 'css/a.css': 'h1 {}' });
      await before('renewed', { 'index.html': 'old' });
      await publishPage(deps(), publication('renewed', { effect: `${run.id}-7` }), 'new');
      expect(await house.page('old')).toBeNull();
      expect(await Promise.all([bring(), bring()]).then(([a, b]) => a + b)).toBe(1);
      expect(await bring()).toBe(0);
      expect([await house.page('old'), await house.page('old', 'css/a.css')]).toEqual(['old', 'h1 {}']);
      expect(await house.page('renewed')).toBe('new');
      expect(await house.page('gone-before')).toBeNull();
      expect(await kindsOf('old')).toEqual(['publication.published']);
      // And its run may publish there again.
      await publishPage(deps(), publication('old', { effect: `${run.id}-8` }), 'newer');
      expect(await house.page('old')).toBe('newer');
    });
  });
}
