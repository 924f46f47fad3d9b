import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { v7 } from 'uuid';
import { situationOfRun } from '../../../activities/agents/brief';
import { learningActivities, type PartName, type PromotionRequest } from '../../../activities/learning/promote';
import { root } from '../../../config';
import { postmortemEvidence } from '../../../db/evidence';
import { gates } from '../../../db/gates';
import { transactionSources } from '../../../db/transactions/sources';
import { postmortems } from '../../../db/learning';
import { analyst } from '../../../domain/analyst/analyst';
import { newGate } from '../../../domain/gate';
import type { Move, Report } from '../../../domain/harness';
import { system } from '../../../domain/principal';
import type { Run } from '../../../domain/run';
import type { Ticket } from '../../../domain/ticket';
import type { Execution } from '../../../pipeline/call';
import { synthesise } from '../../../pipeline/learning/synthesis';
import { loadPolicies } from '../../../pipeline/policy';
import { createPipeline, type Pipeline } from '../../../pipeline/run';
import { combine, screenCall } from '../../../pipeline/screening';
import { builtinTools } from '../../../pipeline/tools';
import { openHouse, type House } from '../../house';
import { callOf } from '../tools/context';

let house: House;
let pipeline: Pipeline;

beforeAll(async () => {
  house = await openHouse();
  const failures: Error[] = [];
  pipeline = createPipeline({
    store: house.store,
    files: house.files,
    masterKey: house.masterKey,
    tools: builtinTools({
      store: house.store,
      files: house.files,
      publicUrl: null,
      transactions: transactionSources(null),
      backTestMs: 5_000,
    }),
    policies: await loadPolicies(join(root, 'policy/compiled'), (e) => failures.push(e)),
    screen: screenCall,
    decide: combine,
    limiter: { points: 1, consume: () => Promise.resolve({ consumed: 1, leftMs: 60_000 }) },
  });
});
afterAll(() => house.close());

const log = (host: string): string =>
  Array.from({ length: 120 }, (_, i) => {
    const time = `Dec 10 06:${String(10 + (i % 50)).padStart(2, '0')}:${String(i % 60).padStart(2, '0')}`;
    return i % 10 === 0
      ? `${time} ${host} sshd[${2000 + i}]: Invalid user oracle from 187.141.143.180`
      : `${time} ${host} sshd[${2000 + i}]: Failed password for root from 183.62.140.253 port ${40_000 + i} ssh2`;
  }).join('\n');

const execute = (
  run: Run,
  step: number,
  tool: string,
  args: Record<string, unknown>,
  gateId: string | null = null,
): Promise<Execution> =>
  pipeline.execute({ ...callOf(run, tool, args, step), gateId }, { signal: new AbortController().signal });

/** As the workflow drives it, without the waiting: every call through the pipeline, up to the proposal. */
async function work(run: Run): Promise<{ step: number; move: Extract<Move, { kind: 'propose' }> }> {
  for (;;) {
    const s = await house.store.read(house.tenantId, (tx) => situationOfRun(tx, run.id));
    const move = analyst.next(s.brief, s.observations);
    if (move.kind === 'propose') return { step: s.step, move };
    if (move.kind !== 'call') throw new Error(`unexpected: ${move.kind}`);
    const done = await execute(run, s.step, move.tool, move.args);
    expect([done.tool, done.decision, done.reasons.filter((r) => r.code !== 'granted')]).toEqual([
      move.tool,
      'allow',
      [],
    ]);
  }
}

async function investigate(
  title: string,
  host: string,
): Promise<{ ticket: Ticket; report: Report; published: Execution }> {
  const ticket = await house.ticket({ title, description: `Many failed logins on ${host} since this morning.` });
  await house.attach(ticket, `${host}.log`, log(host));
  const run = await house.run(ticket);
  const { step, move } = await work(run);
  const asked = await execute(run, step, move.tool, move.args);
  expect(asked.decision).toBe('escalate');
  const gate = newGate(
    {
      id: v7(), tenantId: house.tenantId, ticketId: ticket.id, runId: run.id, agentId: run.agentId, accessRequestId: null, action: move.action,
      target: move.target, reason: move.reason, command: null, riskLevel: 'medium', approvalPolicy: {}, requestedBy: system, onBehalfOf: null,
      digest: (await pipeline.sealed(callOf(run, move.tool, move.args))).digest,
    },
    new Date().toISOString(),
    60_000,
  ); // prettier-ignore
  await house.store.write(house.tenantId, (tx) => gates.insert(tx, { ...gate, status: 'approved', version: 2 }));
  const published = await execute(run, step + 1, move.tool, move.args, gate.id);
  await house.owner.query(`update runs set status = 'finished', finished_at = now() where id = $1`, [run.id]);
  return { ticket, report: move.args['report'] as Report, published };
}

test('what one ticket taught is found when the next one comes', async () => {
  const first = await investigate('Failed logins on the bastion', 'bastion');
  expect(first.report.references).toEqual([]);
  expect(first.published).toMatchObject({ decision: 'allow', result: { file_count: 1 } });
  const { url } = first.published.result as { url: string };
  const page = await house.page(url.split('/').filter(Boolean).at(-1) ?? '');
  expect(page).toContain('183.62.140.253');

  const evidence = await house.store.read(house.tenantId, (tx) => postmortemEvidence(tx, first.ticket.number));
  const at = new Date().toISOString();
  const postmortem = await house.store.write(house.tenantId, (tx) =>
    postmortems.insert(tx, {
      ...synthesise(evidence), id: v7(), tenantId: house.tenantId, number: 0, ticketId: first.ticket.id, runId: null, status: 'approved', synthesis: null, reviewNotes: null,
      createdBy: 'test', reviewedBy: null, reviewedAt: null, createdAt: at, updatedAt: at, version: 1,
    }),
  ); // prettier-ignore
  expect(postmortem?.summary).toContain('183.62.140.253');
  const request: PromotionRequest = {
    tenantId: house.tenantId, postmortemId: postmortem?.id ?? '', by: system, createKnowledge: true, createWorkflow: true, createSkills: true,
    workflowStatus: 'draft', markPromoted: true,
  }; // prettier-ignore
  const environment = new MockActivityEnvironment();
  const { promotePart } = learningActivities(house);
  for (const part of ['article', 'skills', 'blueprint', 'close'] satisfies PartName[])
    await environment.run(promotePart, request, part);

  const second = await investigate('Failed logins on another host', 'web-3');
  const kinds = second.report.references.map((r) => r.kind);
  expect(kinds).toEqual(expect.arrayContaining(['blueprint', 'article', 'ticket']));
  expect(second.report.summary).toContain('matches known blueprint');
  expect(second.report.references.find((r) => r.kind === 'ticket')?.id).toBe(first.ticket.number);

  const other = await house.ticket({ title: 'Printers are out of paper', description: 'On the third floor.' });
  expect((await work(await house.run(other))).move.args['report']).toMatchObject({ references: [] });
});
