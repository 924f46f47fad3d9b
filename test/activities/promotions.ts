import { MockActivityEnvironment } from '@temporalio/testing';
import { v7 } from 'uuid';
import {
  learningActivities,
  type PartName,
  type PartOutcome,
  type PromotionRequest,
} from '../../activities/learning/promote';
import { postmortems } from '../../db/learning';
import type { Read } from '../../db/tx';
import type { Postmortem } from '../../domain/learning';
import type { Actor } from '../../domain/principal';
import type { OutcomeOf } from '../../domain/promotion';
import type { Ticket } from '../../domain/ticket';
import { openHouse, type House } from '../house';

// Imported by a test file, this opens a house for it.

const by: Actor = { id: v7(), kind: 'user', name: 'reviewer' };
export const parts: PartName[] = ['article', 'skills', 'blueprint', 'close'];
export let house: House;

beforeAll(async () => {
  house = await openHouse();
});
afterAll(() => house.close());

/** One that people approved. */
export async function postmortem(ticket: Ticket | null, fields: Partial<Postmortem> = {}): Promise<Postmortem> {
  const at = new Date().toISOString();
  const row: Postmortem = {
    id: v7(), tenantId: house.tenantId, number: 0, ticketId: ticket?.id ?? null, runId: null, status: 'approved', summary: 'Somebody guessed passwords.',
    wentWell: '- The sources were named.', improvements: '- Block after five failures.', workflowProposal: '1. Read the log.', documentation: 'All of it.',
    skillProposals: ['Count failed passwords', { name: 'Name sources', description: 'Who it was', prompt_template: 'Sources of {log}?' }],
    testCases: [{ name: 'finds the source', given: 'a log' }], guardrails: ['Never log in to try.'], synthesis: null, reviewNotes: null, createdBy: 'agent-1',
    reviewedBy: 'reviewer', reviewedAt: at, createdAt: at, updatedAt: at, version: 2, ...fields,
  }; // prettier-ignore
  const written = await house.store.write(house.tenantId, (tx) => postmortems.insert(tx, row));
  if (!written) throw new Error('not written');
  return written;
}

/** A promotion as its workflow makes it: the execution is what tells one from another. */
export function promotion(of: Postmortem, wanted: Partial<PromotionRequest> = {}) {
  const request: PromotionRequest = {
    tenantId: house.tenantId, postmortemId: of.id, by, createKnowledge: true, createWorkflow: true, createSkills: true, workflowStatus: 'draft',
    markPromoted: true, ...wanted,
  }; // prettier-ignore
  const environment = new MockActivityEnvironment({
    workflowExecution: { workflowId: `promotion:${of.id}`, runId: v7() },
  });
  const { promotePart, unpromotePart } = learningActivities(house);
  const make = async <P extends PartName>(part: P) =>
    (await environment.run<[PromotionRequest, PartName], PartOutcome, typeof promotePart>(
      promotePart,
      request,
      part,
    )) as OutcomeOf<P>;
  return {
    make,
    takeBack: (part: PartName): Promise<void> => environment.run(unpromotePart, request, part),
    all: async () => {
      const made: PartOutcome[] = [];
      for (const part of parts) made.push(await make(part));
      return made;
    },
  };
}

export const read = <T>(work: (tx: Read) => Promise<T>): Promise<T> => house.store.read(house.tenantId, work);
/** What the log says happened to it. */
export const kindsOf = async (id: string): Promise<string[]> => {
  const { rows } = await house.owner.query<{ kind: string }>(
    'select kind from log where subject_id = $1 order by seq',
    [id],
  );
  return rows.map((r) => r.kind);
};
export const versionsOf = async (id: string): Promise<number[]> => {
  const { rows } = await house.owner.query<{ version: number }>(
    'select version from blueprint_versions where blueprint_id = $1 order by version',
    [id],
  );
  return rows.map((r) => r.version);
};
/** Titles that share nothing, so that each test has a workflow key of its own. */
export const ticketOf = (title: string) => house.ticket({ title, description: '' });
