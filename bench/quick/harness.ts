import type { Harness, Move, Report } from '../../domain/harness';

/** How many steps a run of it has. */
export const quickSteps = 20;

const looks: Pick<Extract<Move, { kind: 'call' }>, 'tool' | 'args'>[] = [
  { tool: 'knowledge.search', args: { query: 'failed logins on the bastion' } },
  { tool: 'vault.check', args: { system: 'gitlab', resource_type: 'project', resource_id: 'ops', action: 'read' } },
];

const report: Report = {
  title: 'Bench', summary: 'None', claims: [], hypotheses: [], tables: [], references: [], limits: [], steering: [],
}; // prettier-ignore

/** Twenty quick, idempotent looks with the built-in tools, every fifth a note: nothing but the price of governed steps. Told to `wait`, it asks people at once. */
export const quick: Harness = {
  name: 'quick',
  next({ prompt, slug }, observations): Move {
    if (prompt === 'wait') {
      const args = { slug, report };
      return {
        kind: 'propose',
        action: 'publish_static_site',
        target: slug,
        reason: 'to wait',
        tool: 'site.publish',
        args,
      };
    }
    const step = observations.length;
    const why = `step ${step + 1} of ${quickSteps}`;
    if (step === quickSteps) return { kind: 'finish', summary: why };
    if (step % 5 === 4) return { kind: 'call', tool: 'tickets.note', args: { body: why }, why };
    const look = looks[step % looks.length];
    if (!look) throw new Error('nothing to look at');
    return { kind: 'call', ...look, why };
  },
};
