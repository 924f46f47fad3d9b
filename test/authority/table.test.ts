import { operations } from '../../api/registry';
import { operation } from '../../api/operation';
import { byId, intId } from '../../api/contracts/shapes';
import { declared } from '../../proofs/authority/declared';
import { undeclared } from '../../proofs/authority/places';
import { accessExceptions } from '../contract/exceptions';
import { contractRows, shapeOf } from '../contract/rows';
import { z } from 'zod';

test('every operation, and every place of it that takes an id, has its declared outcome', () => {
  expect(undeclared(operations, declared)).toEqual([]);
});

test('an operation or a place without one is found, wherever the id stands', () => {
  const op = operation({
    route: 'POST /api/new/:thing_id', tag: 'new', summary: 'new', access: 'tickets:read', params: byId('thing_id'),
    query: z.object({ cursor: z.string().optional() }), output: z.null(),
    body: z.object({ parts: z.array(z.object({ note_id: intId })), agent_ids: z.array(intId) }),
  }); // prettier-ignore
  expect(undeclared([{ name: 'brandNew', op }], {})).toEqual(['brandNew: no declared outcome']);
  expect(undeclared([{ name: 'brandNew', op }], { brandNew: { ids: {} } })).toEqual(
    ['path.thing_id', 'query.cursor', 'body.parts.note_id', 'body.agent_ids'].map(
      (p) => `brandNew: no declared outcome for ${p}`,
    ),
  );
});

/** The scope that a row of the contract names, or how open it is. */
function accessOf(auth: string): string {
  const text = auth.replaceAll('~', '');
  if (/public/.test(text)) return 'public';
  if (/X-Metrics-Token/.test(text)) return 'metrics';
  return /[a-z_-]+:[a-z_]+/.exec(text)?.[0] ?? text;
}

const rows = new Map(contractRows().map((r) => [`${r.method} ${shapeOf(r.path)}`, r]));
test.each(operations.map(({ name, op }) => ({ name, op })))(
  '$name: what it asks for is what the contract says',
  ({ name, op }) => {
    const [method = '', path = ''] = op.route.split(' ');
    const row = rows.get(`${method} ${shapeOf(path)}`);
    if (!row) return; // an addition: test/seed-coverage holds which there are
    const excused = accessExceptions.find((e) => e.operation === name);
    const said = { access: accessOf(row.auth), reason: excused?.reason.length ? 'given' : 'none' };
    if (excused) expect(said).toEqual({ access: excused.contract, reason: 'given' });
    else expect(said.access).toBe(op.access);
    const closed = !['public', 'metrics', 'login'].includes(op.access);
    const statuses = row.statuses.match(/\d{3}/g) ?? [];
    if (closed && statuses.length > 1) expect(statuses).toEqual(expect.arrayContaining(['401']));
  },
);
