import type { Harness, Move, Report } from '../../domain/harness';

/**
 * A harness that does what its prompt says, in this order: `explode`, `access`, `hold` (one step after another until
 * somebody says something), a step for everything that was said, `finish`, `overreach` (a proposal that is refused).
 */
export const scripted: Harness = {
  name: 'scripted',
  next(brief, observations): Move {
    const wants = (word: string): boolean => brief.prompt?.split(' ').includes(word) ?? false;
    const look = (query: string): Move => ({ kind: 'call', tool: 'knowledge.search', args: { query }, why: 'to know' });
    const looked = (query: string): boolean => observations.some((o) => o.args['query'] === query);
    if (wants('explode')) throw new Error('the script ends here');
    if (wants('access') && brief.access.length === 0) {
      return {
        kind: 'request_access', system: 'gitlab', resource: 'gitlab project ops', permission: 'read', reason: 'to see changes',
        lease: { system: 'gitlab', resourceType: 'project', resourceId: 'ops', action: 'read' },
      }; // prettier-ignore
    }
    if (wants('hold') && brief.steering.length === 0) return look(`look ${observations.length}`);
    const said = brief.steering.map(({ body }) => body);
    const todo = ['what is known', ...said].find((query) => !looked(query));
    if (todo !== undefined) return look(todo);
    if (wants('finish')) return { kind: 'finish', summary: 'nothing to publish' };
    const report: Report = {
      title: 'Report', summary: 'All is known', claims: [], hypotheses: [], tables: [], references: [], limits: [],
      steering: brief.steering.map(({ id, author, body }) => ({ id, author, body, answer: `looked for ${body}`, cites: [] })),
    }; // prettier-ignore
    const slug = wants('overreach') ? 'NOT A SLUG' : brief.slug;
    return {
      kind: 'propose', action: 'publish_static_site', target: slug, reason: 'the report', tool: 'site.publish', args: { slug, report },
    }; // prettier-ignore
  },
};
