import { holdOf, labelsOf, type Hold, type RemoteTask } from '../../domain/remote-task';

const ann = { id: 'ann', kind: 'user', name: 'ann' } as const;
const task = (more: Partial<RemoteTask>) => ({ token: 3, holder: ann, endedAt: null, ...more });

test.each<[Hold, Partial<RemoteTask>, number, string, boolean]>([
  ['holds', {}, 3, 'ann', false],
  ['late', {}, 3, 'ann', true],
  ['foreign', {}, 3, 'bob', false],
  ['never', {}, 4, 'ann', false],
  ['never', {}, 0, 'ann', false],
  ['fenced', {}, 2, 'ann', false],
  ['offered', { holder: null }, 3, 'ann', false],
  ['over', { endedAt: '2026-01-01T00:00:00Z' }, 3, 'ann', false],
  // Whatever came of it since: it was somebody else's.
  ['fenced', { endedAt: '2026-01-01T00:00:00Z' }, 2, 'ann', true],
  ['foreign', { endedAt: '2026-01-01T00:00:00Z' }, 3, 'bob', false],
])('%s', (hold, more, token, by, late) => {
  expect(holdOf(task(more), { by, token }, late)).toBe(hold);
});

test('labels are what is known, the same whoever writes them', () => {
  const nothing = { harness: null, agent: null, agent_type: null, type: null, task_type: null, priority: null, provider: null, assignee_team: null, security_classification: null, profile: null, model: null }; // prettier-ignore
  expect(labelsOf({ ...nothing, ticket_class: 'Incident', owning_group: ' Network Operations ' })).toEqual([
    'ticket_class=incident',
    'owning_group=network operations',
  ]);
});
