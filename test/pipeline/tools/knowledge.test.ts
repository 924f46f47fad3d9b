import { v7 } from 'uuid';
import { articles, blueprints } from '../../../db/learning';
import { insertExecution } from '../../../db/executions';
import type { Blueprint } from '../../../domain/learning';
import { blueprintsMatch, knowledgeSearch } from '../../../pipeline/tools/knowledge';
import { openHouse, type House } from '../../house';
import { use } from './context';

interface Matches {
  blueprints: {
    id: number;
    name: string;
    workflow_key: string;
    version: number;
    status: string;
    score: number;
    why: string;
  }[];
}
interface Found {
  articles: { id: number; title: string; snippet: string; score: number }[];
}
let house: House;

beforeAll(async () => {
  house = await openHouse();
});
afterAll(() => house.close());

async function blueprint(fields: Partial<Blueprint>): Promise<Blueprint> {
  const at = new Date().toISOString();
  const row: Blueprint = {
    id: v7(), tenantId: house.tenantId, number: 0, name: 'A workflow', workflowKey: v7(), version: 1, status: 'draft', description: '',
    ticketClass: 'Incident', triggerType: 'ticket', blueprint: '1. Look.', testPlan: '', testResults: '', steps: [], approvalPolicy: {}, skillIds: [],
    createdBy: 'somebody', reviewedBy: null, reviewedAt: null, reviewNotes: null, createdAt: at, updatedAt: at, ...fields,
  }; // prettier-ignore
  const written = await house.store.write(row.tenantId, (tx) => blueprints.insert(tx, row));
  if (!written) throw new Error('not written');
  return written;
}

async function article(
  title: string,
  body: string,
  fields: { tenantId?: string; enabled?: boolean } = {},
): Promise<number> {
  const at = new Date().toISOString();
  const row = {
    id: v7(), tenantId: house.tenantId, number: 0, title, body, category: null, source: 'somebody', externalRef: null, tags: [], enabled: true,
    version: 1, changedBy: 'somebody', createdAt: at, updatedAt: at, ...fields,
  }; // prettier-ignore
  return (await house.store.write(row.tenantId, (tx) => articles.insert(tx, row)))?.number ?? 0;
}

describe('blueprints.match', () => {
  test('finds the blueprint of a similar ticket first, and says why', async () => {
    const like = await blueprint({
      name: 'Incident auth failures response workflow',
      workflowKey: 'incident:auth-failures',
      description:
        'SSH logins fail on bastion\nMany failed passwords.\n\nApplies to: Incident; signals auth.failed_password',
    });
    await blueprint({
      name: 'Printer workflow',
      workflowKey: 'incident:printers',
      description: 'Printers are out of paper',
    });
    await blueprint({
      name: 'Old SSH logins workflow',
      workflowKey: 'incident:old',
      description: 'SSH logins fail',
      status: 'superseded',
    });
    const ticket = await house.ticket({
      title: 'SSH logins fail on web-3',
      description: 'Failed passwords all night.',
    });
    const { blueprints: found } = await use<Matches>(house, blueprintsMatch, await house.run(ticket), {
      ticket_id: ticket.number,
    });
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({
      id: like.number,
      workflow_key: 'incident:auth-failures',
      version: 1,
      status: 'draft',
    });
    expect(found[0]?.score).toBeGreaterThan(0.4);
    expect(found[0]?.why).toMatch(/shared words ssh, logins, fail.*same class Incident/);
  });

  test('knows it by what the logs are full of, whatever the ticket says', async () => {
    const ticket = await house.ticket({ title: 'Something odd', description: '' });
    const run = await house.run(ticket);
    const match = () => use<Matches>(house, blueprintsMatch, run, { ticket_id: ticket.number });
    expect((await match()).blueprints).toEqual([]);
    const result = {
      signals: [{ id: 'auth.failed_password', title: 'failed password', failing: true, events: 520 }],
      templates: [],
    };
    await house.store.write(house.tenantId, (tx) =>
      insertExecution(tx, { ownerId: run.id, agentId: run.agentId, ticketId: ticket.id }, {
        id: v7(), step: 0, tool: 'logs.errors', args: {}, argsDigest: '', why: null, decision: 'allow', risk: 0, findings: [], reasons: [],
        stages: [], result, resultDigest: '', error: null, startedAt: new Date().toISOString(), durationMs: 1,
      }),
    ); // prettier-ignore
    const { blueprints: found } = await match();
    expect(found.map((b) => b.workflow_key)).toEqual(['incident:auth-failures']);
    expect(found[0]?.why).toMatch(/the same key incident:auth-failures; the same signals auth.failed_password/);
  });

  test('knows it by its key: the family that a title names', async () => {
    const made = await blueprint({ name: 'Mail', workflowKey: 'incident:phishing', description: '' });
    const ticket = await house.ticket({ title: 'Phish reported', description: 'Please look.' });
    const { blueprints: found } = await use<Matches>(house, blueprintsMatch, await house.run(ticket), {
      ticket_id: ticket.number,
    });
    expect(found.map((b) => b.id)).toEqual([made.number]);
  });

  test('refuses any ticket but its own, there or not', async () => {
    const [own, other] = [await house.ticket(), await house.ticket()];
    const run = await house.run(own);
    await expect(use(house, blueprintsMatch, run, { ticket_id: other.number })).rejects.toMatchObject({
      code: 'NotFound',
    });
    await expect(use(house, blueprintsMatch, run, { ticket_id: 2_000_000 })).rejects.toMatchObject({
      code: 'NotFound',
    });
  });
});

describe('knowledge.search', () => {
  const search = async (query: string) => {
    const run = await house.run(await house.ticket());
    return (await use<Found>(house, knowledgeSearch, run, { query })).articles;
  };

  test('ranks by how many of the words an article holds, and shows where', async () => {
    const one = await article(
      'Backups',
      `${'Nothing to see here. '.repeat(40)}The tape robot lost its tape during the nightly backup.`,
    );
    const both = await article(
      'Tape robot',
      'When the tape robot jams, open the door of the library and count the tapes.',
    );
    await article('Coffee', 'The machine on the second floor.');
    const found = await search('tape robot jams library');
    expect(found.map((a) => a.id)).toEqual([both, one]);
    expect(found[0]?.score).toBe(1);
    expect(found[1]?.snippet).toMatch(/^….*tape robot/);
    expect(found[1]?.snippet.length).toBeLessThanOrEqual(242);
  });

  test('takes one word in common for chance', async () => {
    await article('Gardens', 'Water the ferns on Mondays.');
    expect(await search('water pressure of the cooling loop')).toEqual([]);
    expect(await search('ferns')).toHaveLength(1);
  });

  test('leaves out what is disabled and what is another tenant’s', async () => {
    const { tenantId } = await house.tenant('library');
    await article('Submarine', 'periscope torpedo', { enabled: false });
    await article('Submarine', 'periscope torpedo', { tenantId });
    expect(await search('periscope torpedo')).toEqual([]);
  });

  test.each([
    ["it's & | ! <-> ( ' \\ :* quoted", 'signs of the query language'],
    ['a \u0000 b \ud800 quoted', 'NUL and half a pair'],
    ['the of and', 'nothing but small words'],
    ['Σίσυφος ÄRGER quoted', 'other alphabets'],
  ])('%j is a query: %s', async (query) => {
    expect(await search(query)).toEqual([]);
  });

  test('finds words without their accents', async () => {
    const id = await article('Störung', 'Ärger im Café');
    expect((await search('storung ARGER')).map((a) => a.id)).toEqual([id]);
  });

  test.each([[{}], [{ query: '  ' }], [{ query: 'x'.repeat(501) }], [{ query: 'x', more: 1 }]])(
    '%j are no arguments',
    (args) => {
      expect(knowledgeSearch.args.safeParse(args).success).toBe(false);
    },
  );
});
