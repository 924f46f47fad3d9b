import { blueprints, skills } from '../../../db/learning';
import { livingOf, lockKey } from '../../../db/learning-queries';
import { saveBlueprint } from '../../../db/learning-writes';
import type { Read, Write } from '../../../db/tx';
import { edited, opened, reviewed, type Verdict } from '../../../domain/blueprint';
import { Conflict, NotFound } from '../../../domain/errors';
import type { Blueprint, BlueprintStatus } from '../../../domain/learning';
import { blueprintEntry } from '../../../domain/learning-record';
import type { StepPlan } from '../../../domain/pipeline';
import { workflowKey } from '../../../domain/workflow-key';
import { keyInWords } from '../../../pipeline/learning/promotion/text';
import type { workflows } from '../../contracts/agentic/workflows';
import type { Ctx, Handlers } from '../../kernel';

type Body = Parameters<Handlers<typeof workflows>['updateWorkflow']>[0]['body'];

export const none = (number: number): NotFound => new NotFound(`no workflow ${number}`);

/** The key that the body chose, else the one that stands, else what its texts tell. */
const keyOf = (body: Body, standing: Blueprint | null): string => {
  const explicit = body.workflow_key ?? body.approval_policy?.workflow_key ?? standing?.workflowKey ?? null;
  const texts = [body.trigger_type ?? '', body.name ?? '', body.description ?? '', body.blueprint ?? ''];
  return workflowKey({ explicit, ticketClass: body.ticket_class ?? null, texts });
};

type Results = Exclude<Body['test_results'], undefined>;
const resultsInText = (results: Results): string =>
  typeof results === 'string'
    ? results
    : results.map((t) => `- ${t.passed ? 'passed' : 'FAILED'}: ${t.name}${t.note ? ` (${t.note})` : ''}`).join('\n');
const verdictOf = (results: Results | undefined): Verdict =>
  !Array.isArray(results) || results.length === 0 ? null : results.every((t) => t.passed) ? 'passed' : 'failed';

/** @throws NotFound for a skill that is not there, and was not named before */
async function assertSkills(tx: Read, wanted: readonly number[], known: readonly number[]): Promise<void> {
  const more = wanted.filter((n) => !known.includes(n));
  const found = more.length ? await skills.list(tx, 'where number = any($1) and deleted_at is null', [more]) : [];
  const missing = more.find((n) => !found.some((s) => s.number === n));
  if (missing !== undefined) throw new NotFound(`no skill ${missing}`);
}

type Content = Omit<
  Blueprint,
  'id' | 'tenantId' | 'number' | 'version' | 'status' | 'createdBy' | 'createdAt' | 'updatedAt'
>;

const stepsOf = (steps: Exclude<Body['steps'], undefined>): StepPlan[] =>
  steps.map((s, i) => ({
    name: s.name,
    prompt: s.prompt ?? s.name,
    order: s.order ?? i + 1,
    agent: s.agent ?? null,
    retries: s.retries ?? 0,
    timeoutSeconds: s.timeout_seconds ?? null,
  }));

/** What stands, with what the body brings. */
const contentOf = (body: Body, key: string, standing: Blueprint | null): Content => ({
  name: body.name ?? standing?.name ?? `${keyInWords(key)} response workflow`,
  workflowKey: key,
  description: body.description ?? standing?.description ?? '',
  ticketClass: body.ticket_class === undefined ? (standing?.ticketClass ?? null) : body.ticket_class,
  triggerType: body.trigger_type ?? standing?.triggerType ?? 'ticket',
  blueprint: body.blueprint ?? standing?.blueprint ?? '',
  testPlan: body.test_plan ?? standing?.testPlan ?? '',
  testResults: body.test_results === undefined ? (standing?.testResults ?? '') : resultsInText(body.test_results),
  steps: body.steps === undefined ? (standing?.steps ?? []) : stepsOf(body.steps),
  approvalPolicy: {
    ...standing?.approvalPolicy,
    ...body.approval_policy,
    workflow_key: key,
    requires_human_review_before_activation: true,
  },
  skillIds: body.skill_ids ?? standing?.skillIds ?? [],
  reviewedBy: standing?.reviewedBy ?? null,
  reviewedAt: standing?.reviewedAt ?? null,
  reviewNotes: standing?.reviewNotes ?? null,
});

async function change(ctx: Ctx, tx: Write, standing: Blueprint, body: Body, key: string): Promise<Blueprint> {
  const content = contentOf(body, key, standing);
  await assertSkills(tx, content.skillIds, standing.skillIds);
  const differs = (...names: (keyof Content)[]): boolean =>
    names.some((n) => JSON.stringify(content[n]) !== JSON.stringify(standing[n]));
  const status = edited(standing.status, {
    asked: body.status ?? null,
    rekeyed: key !== standing.workflowKey,
    changed: differs('blueprint', 'testPlan', 'skillIds', 'steps'),
    tests: verdictOf(body.test_results),
  });
  // What people approved was the version that they read.
  const approved = differs('blueprint', 'steps', 'skillIds', 'approvalPolicy', 'workflowKey')
    ? { reviewedBy: null, reviewedAt: null }
    : {};
  const next = await saveBlueprint(tx, { ...standing, ...content, ...approved, status, version: standing.version + 1 });
  tx.log(blueprintEntry(ctx.actor, 'updated', next, { from: standing.status, changed: Object.keys(body) }));
  return next;
}

/** One living workflow a key: what stands under it gets its next version, and else a new one is made. @throws NotFound, Invalid */
export async function write(ctx: Ctx, tx: Write, body: Body, label: string | null) {
  const key = keyOf(body, null);
  await lockKey(tx, key);
  const id = ctx.newId();
  const repeated = ctx.repeatable ? await blueprints.byId(tx, id) : null;
  if (repeated) return { workflow: repeated, action: 'created' as const };
  const [standing] = await blueprints.list(tx, `where ${livingOf} for update`, [key]);
  if (standing) return { workflow: await change(ctx, tx, standing, body, key), action: 'updated' as const };
  const content = contentOf(body, key, null);
  await assertSkills(tx, content.skillIds, []);
  const at = new Date().toISOString();
  const status = opened(body.status ?? null, verdictOf(body.test_results));
  const created = await blueprints.insert(tx, {
    ...content, id, tenantId: ctx.tenantId, number: 0, version: 1, status, createdBy: label ?? ctx.actor.name, createdAt: at, updatedAt: at,
  }); // prettier-ignore
  if (!created) throw new Error(`workflow ${id} is neither there nor can be made`);
  tx.log(blueprintEntry(ctx.actor, 'created', created, { label }));
  return { workflow: created, action: 'created' as const };
}

/** Holds a workflow with the key that it has, or is to have: keys before rows, as everybody does. @throws NotFound, Conflict */
async function held(
  tx: Write,
  number: number,
  key: (standing: Blueprint) => string,
): Promise<{ standing: Blueprint; key: string }> {
  const seen = await blueprints.byNumber(tx, number);
  if (!seen) throw none(number);
  const wanted = key(seen);
  await lockKey(tx, wanted);
  const [standing] = await blueprints.list(tx, 'where number = $1 for update', [number]);
  if (!standing) throw none(number);
  if (key(standing) !== wanted)
    throw new Conflict(`workflow ${number} got another key meanwhile: read it again`, {
      workflow_key: standing.workflowKey,
    });
  return { standing, key: wanted };
}

/** @throws NotFound, Conflict, Invalid */
export async function update(ctx: Ctx, tx: Write, number: number, body: Body): Promise<Blueprint> {
  const { standing, key } = await held(tx, number, (b) => keyOf(body, b));
  return change(ctx, tx, standing, body, key);
}

/** People activate a workflow, in place of the active one of its key, or send it back. @throws NotFound, Conflict */
export async function review(
  ctx: Ctx,
  tx: Write,
  number: number,
  {
    approved,
    version,
    notes,
    label,
  }: { approved: boolean; version: number | null; notes: string | null; label: string | null },
): Promise<{ status: 'active' | 'needs_revision'; superseded: number[] }> {
  const { standing } = await held(tx, number, (b) => b.workflowKey);
  if (version !== null && version !== standing.version)
    throw new Conflict(`version: ${standing.version} stands: read it again`, {
      field: 'version',
      version: standing.version,
    });
  const status = reviewed(standing.status, approved);
  const active = approved
    ? await blueprints.list(tx, `where workflow_key = $1 and status = 'active' and id <> $2 for update`, [standing.workflowKey, standing.id])
    : []; // prettier-ignore
  for (const other of active) {
    const gone = await saveBlueprint(tx, { ...other, status: 'superseded' satisfies BlueprintStatus });
    tx.log(blueprintEntry(ctx.actor, 'superseded', gone, { by: number }));
  }
  const next = await saveBlueprint(tx, {
    ...standing, status, reviewNotes: notes ?? standing.reviewNotes, reviewedBy: ctx.actor.name, reviewedAt: new Date().toISOString(),
  }); // prettier-ignore
  const superseded = active.map((b) => b.number);
  tx.log(
    blueprintEntry(ctx.actor, 'reviewed', next, { from: standing.status, label, superseded_workflow_ids: superseded }),
  );
  return { status, superseded };
}
