import { postmortemEvidence } from '../../../db/evidence';
import { evidenceLimits } from '../../../domain/evidence';
import type { Run } from '../../../domain/run';
import type { Ticket } from '../../../domain/ticket';
import { statedKey } from '../../../domain/workflow-key';
import { synthesise } from '../../../pipeline/learning/synthesis';
import { openHouse, type House } from '../../house';
import { at, incident } from './incident';

let house: House;
let ticket: Ticket;
let run: Run;

const evidenceOf = (of: Ticket, limits = {}) =>
  house.store.read(of.tenantId, (tx) => postmortemEvidence(tx, of.number, limits));

beforeAll(async () => {
  house = await openHouse();
  ({ ticket, run } = await incident(house));
});
afterAll(() => house.close());

describe('the evidence', () => {
  test('is compact, and says what it leaves out', async () => {
    const e = await evidenceOf(ticket);
    expect(e.ticket).toMatchObject({ id: ticket.number, title: ticket.title, status: 'in_progress' });
    expect(e.notes).toHaveLength(12);
    expect(e.notes.at(-1)?.body).toMatch(/^Note 14 x{352}\.\.\. \[truncated 48 chars\]$/);
    expect(e.attachments).toMatchObject([{ filename: 'auth.log', size_bytes: 6 }]);
    expect(e.change_requests.map((c) => [c.action, c.status, c.approved_by, c.waited_seconds])).toEqual([
      ['publish_static_site', 'completed', 'dana', 30],
      ['grant_access', 'rejected', 'dana', 3600],
    ]);
    expect(e.audit.at(-1)?.details).toMatch(/\[truncated \d+ chars\]$/);
    expect(e.evidence_terms).toEqual(['logins', 'fail', 'labsz', 'many', 'failed', 'passwords', 'outside']);
    expect(e.guidance.shown['notes']).toEqual({ shown: 12, total: 15 });
    expect(e.cicd_runs).toEqual([]);
  });

  test('holds what the ledger says of each agent', async () => {
    const [task] = (await evidenceOf(ticket)).agent_tasks;
    expect(task).toMatchObject({
      id: run.taskNumber, agent_id: run.number, status: 'finished', duration_seconds: 42, log_tail: '',
      steps: {
        total: 5,
        tools: ['logs.profile', 'logs.errors', 'site.publish'],
        refused: [{ step: 2, tool: 'tickets.related', decision: 'deny', reason: 'a DENY grant covers this tool' }],
        slow: [{ step: 1, tool: 'logs.errors', seconds: 2.3 }],
      },
      report: { step: 4, published: true, title: 'Who tries to get in', steering_answered: 1 },
    }); // prettier-ignore
    expect(task?.signals.map((s) => [s.id, s.events, s.step])).toEqual([
      ['auth.failed_password', 520, 1],
      ['auth.invalid_user', 113, 1],
    ]);
  });

  test('is as much as is asked for, and no more than there may be', async () => {
    const e = await evidenceOf(ticket, {
      max_notes: 1,
      max_attachments: 0,
      max_changes: 1,
      max_tasks: 1,
      task_log_lines: 2,
      max_audit: 1_000,
    });
    expect(e.notes.map((n) => n.body.slice(0, 7))).toEqual(['Note 14']);
    expect(e.attachments).toEqual([]);
    expect(e.change_requests.map((c) => c.action)).toEqual(['grant_access']);
    expect(e.agent_tasks[0]?.log_tail).toBe('3 site.publish escalate 10ms why 3\n4 site.publish allow 10ms why 4');
    expect(e.audit.length).toBeLessThanOrEqual(evidenceLimits.max_audit.most);
    expect((await evidenceOf(ticket, { max_notes: 1_000 })).notes).toHaveLength(15);
  });

  test('is found by the ticket’s uuid too, and not across tenants', async () => {
    expect((await house.store.read(house.tenantId, (tx) => postmortemEvidence(tx, ticket.id))).ticket.id).toBe(
      ticket.number,
    );
    const { tenantId } = await house.tenant('elsewhere');
    const foreign = house.store.read(tenantId, (tx) => postmortemEvidence(tx, ticket.number));
    await expect(foreign).rejects.toMatchObject({ code: 'NotFound' });
  });

  test('is cut in time, however much there is', async () => {
    const big = await house.ticket({ title: 'Much', description: 'z'.repeat(100_000) });
    await house.run(big, { status: 'failed', error: 'e'.repeat(50_000), result: 'r'.repeat(50_000), finishedAt: at });
    const e = await evidenceOf(big);
    expect(JSON.stringify(e).length).toBeLessThan(6_000);
  });
});

describe('the postmortem', () => {
  test('is the same for the same evidence', async () => {
    const e = await evidenceOf(ticket);
    expect(synthesise(e)).toEqual(synthesise(structuredClone(e)));
  });

  test('tells what was found, what people decided and what was in the way, each with where it stands', async () => {
    const p = synthesise(await evidenceOf(ticket), 'the model stalled');
    expect(p.summary).toContain(
      `Incident ${ticket.number} “SSH logins fail on labsz” is in_progress [ticket ${ticket.number}]`,
    );
    expect(p.summary).toContain(
      `agent ${run.number} (embedded) is finished after 5 steps in 42 s [agent ${run.number}]`,
    );
    expect(p.summary).toContain(
      `Leading hypothesis (90%): Passwords are guessed. [agent ${run.number}, step 4; observations aaaaaaaaaaaa, bbbbbbbbbbbb]`,
    );
    expect(p.wentWell).toContain(
      `183.62.140.253 failed 867 times. [agent ${run.number}, step 4; observations aaaaaaaaaaaa]`,
    );
    expect(p.wentWell).toMatch(/publish_static_site was decided after 30 s by dana \[change \d+\]/);
    expect(p.wentWell).toContain('Known blueprint 3 “Guessing” was recognised');
    expect(p.improvements).toContain(
      `tickets.related was refused (deny): a DENY grant covers this tool [agent ${run.number}, step 2]`,
    );
    expect(p.improvements).toContain(`logs.errors took 2.3 s [agent ${run.number}, step 1]`);
    expect(p.improvements).toContain(`Missing: Access to the siem is still pending. [agent ${run.number}, step 4]`);
    expect(p.improvements).toMatch(/grant_access was rejected: not needed \[change \d+\]/);
    expect(p.improvements).toMatch(/grant_access waited 60 min \[change \d+\]/);
    expect(p.documentation).toContain('the model stalled');
    expect(p.documentation).toMatch(/dana: Note 14 .* \[note \d+\]/);
    const untraced = [p.wentWell, p.improvements]
      .flatMap((t) => t.split('\n'))
      .filter((line) => !/\[[a-z]+ \d+.*\]$/.test(line));
    expect(untraced).toEqual([]);
  });

  test('teaches: a key, what to look for, how to test it, what to keep off', async () => {
    const p = synthesise(await evidenceOf(ticket));
    expect(statedKey(p.workflowProposal)).toBe('incident:auth-failures');
    expect(p.workflowProposal).toContain('signals auth.failed_password, auth.invalid_user');
    expect(p.workflowProposal).toContain('Gather evidence with logs.profile, logs.errors, in this order.');
    expect(p.workflowProposal).toContain('“Failed password for root from <ip> port <num> ssh2”');
    expect(p.skillProposals).toEqual([
      expect.objectContaining({
        name: 'triage auth-failures',
        prompt_template: expect.stringContaining('Count auth.failed_password') as unknown,
      }),
    ]);
    expect(p.testCases).toContainEqual(
      expect.objectContaining({ name: 'finds auth.failed_password', source: `[agent ${run.number}, step 1]` }),
    );
    expect(p.guardrails).toContainEqual(
      expect.stringMatching(
        /^publish_static_site waits for a person's decision; here it stood completed \[change \d+\]$/,
      ),
    );
    expect(p.guardrails).toContainEqual(expect.stringMatching(/^tickets\.related was refused/));
  });

  test('takes the family that the title names before what the logs say', async () => {
    const e = await evidenceOf(ticket);
    e.ticket.title = 'Phishing wave';
    expect(statedKey(synthesise(e).workflowProposal)).toBe('incident:phishing');
  });

  test('of a ticket on which nothing happened claims nothing', async () => {
    const p = synthesise(await evidenceOf(await house.ticket({ title: 'Empty', description: '' })));
    expect(p.summary).toContain('No agent worked on it.');
    expect(p.wentWell).toBe('The records name nothing that went well.');
    expect(p.improvements).toMatch(/^- Nothing was gathered by an agent \[ticket \d+\]$/);
    expect([p.skillProposals, p.testCases, p.guardrails]).toEqual([[], [], []]);
  });

  test('of a run that failed without a report says so', async () => {
    const bad = await house.ticket({ title: 'Stuck printers', description: '' });
    await house.run(bad, { status: 'failed', error: 'no harness', finishedAt: at, createdAt: at });
    const p = synthesise(await evidenceOf(bad));
    expect(p.improvements).toMatch(/Agent \d+ ended failed: no harness \[agent \d+\]/);
    expect(statedKey(p.workflowProposal)).toBe('incident:stuck-printers');
  });
});
