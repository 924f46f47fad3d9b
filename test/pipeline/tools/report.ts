import type { Report } from '../../../domain/harness';

/** A report as an agent proposes it. */
export const reportOf = (fields: Partial<Report> = {}): Report => ({
  title: 'Who tries to get in',
  summary: 'One address guesses passwords.',
  claims: [
    { statement: '183.62.140.253 failed 867 times.', kind: 'finding', confidence: 1, cites: ['a'.repeat(64)] },
    {
      statement: 'Passwords are guessed.',
      kind: 'hypothesis',
      confidence: 0.9,
      cites: ['a'.repeat(64), 'b'.repeat(64)],
    },
  ],
  hypotheses: [{ statement: 'Passwords are guessed.', kind: 'hypothesis', confidence: 0.9, cites: ['a'.repeat(64)] }],
  tables: [
    { title: 'Sources', columns: ['address', 'failures'], rows: [['183.62.140.253', 867]], cites: ['a'.repeat(64)] },
  ],
  references: [{ kind: 'blueprint', id: 3, title: 'Guessing', cites: [] }],
  limits: ['Access to the siem is still pending.'],
  steering: [{ id: 'x', author: 'dana', body: 'Look at root.', answer: 'root failed 300 times.', cites: [] }],
  ...fields,
});
