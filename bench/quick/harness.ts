import type { Harness, Move } from '../../domain/harness';

/** How many steps a run of it has. */
export const quickSteps = 20;

const looks: Pick<Extract<Move, { kind: 'call' }>, 'tool' | 'args'>[] = [
  { tool: 'knowledge.search', args: { query: 'failed logins on the bastion' } },
  { tool: 'vault.check', args: { system: 'gitlab', resource_type: 'project', resource_id: 'ops', action: 'read' } },
];

/** Twenty quick, idempotent looks with the built-in tools, every fifth a note: nothing but the price of governed steps. */
export const quick: Harness = {
  name: 'quick',
  next(_brief, observations): Move {
    const step = observations.length;
    const why = `step ${step + 1} of ${quickSteps}`;
    if (step === quickSteps) return { kind: 'finish', summary: why };
    if (step % 5 === 4) return { kind: 'call', tool: 'tickets.note', args: { body: why }, why };
    const look = looks[step % looks.length];
    if (!look) throw new Error('nothing to look at');
    return { kind: 'call', ...look, why };
  },
};
