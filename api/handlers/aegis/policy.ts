import {
  activate, activeNow, deactivate, insertVersion, oneAtATime, policyVersion, policyVersions, type PolicyVersion,
} from '../../../db/rego-policies'; // prettier-ignore
import type { Read, Write } from '../../../db/tx';
import { Conflict, NotFound } from '../../../domain/errors';
import { opinionOf } from '../../../pipeline/rego/forms';
import { regoInput } from '../../../pipeline/rego/input';
import { versionOf } from '../../../pipeline/rego/tenants';
import type { policy } from '../../contracts/aegis/policy';
import type { Ctx, Handlers } from '../../kernel';
import { made } from './policy-workshop';
import { simulate } from './simulate';

/** Enforced at a time: every call is asked of each. */
const mostActive = 20;

const entry = (ctx: Ctx, kind: string, id: string, body: Record<string, unknown>) => ({
  kind, actor: ctx.actor, subject: { kind: 'policy' as const, id }, body,
}); // prettier-ignore

/** @throws Conflict when more would be enforced than a call may be asked of */
async function enforce(
  ctx: Ctx,
  tx: Write,
  name: string,
  of: { id: string; version: number; digest: string },
): Promise<number | null> {
  await oneAtATime(tx); // so many count to the same limit
  const before = await activate(tx, name, of.id, ctx.actor);
  const active = await activeNow(tx);
  if (active.length > mostActive) throw new Conflict(`at most ${mostActive} policies are enforced at a time`);
  tx.log(
    entry(ctx, 'policy.activated', of.id, {
      name, version: of.version, digest: of.digest, previous_version: before,
    }),
  ); // prettier-ignore
  return before;
}

async function versionNamed(tx: Read, name: string, version: number) {
  const found = await policyVersion(tx, name, version);
  if (!found) throw new NotFound(`there is no version ${version} of a policy ${name}`);
  return found;
}

const view = (v: PolicyVersion, text: { rego: string; tests: string | null } | null = null) => ({
  id: v.id,
  name: v.name,
  version: v.version,
  description: v.description,
  active: v.active,
  digest: v.digest,
  entrypoints: v.entrypoints,
  tests_passed: v.tested,
  uploaded_by: v.uploadedBy.name,
  uploaded_at: v.uploadedAt,
  rego: text?.rego ?? null,
  tests: text?.tests ?? null,
});

export const policyHandlers: Handlers<typeof policy> = {
  uploadPolicy: async ({ body }, ctx) => {
    const { name, rego } = body;
    const tests = body.tests ?? null;
    const { wasm, digest, entrypoints, tested } = await made(ctx, rego, tests);
    const id = ctx.newId();
    const version = await ctx.write(async (tx) => {
      const stored = await insertVersion(tx, {
        id, name, rego, tests, wasm, digest, entrypoints, tested, description: body.description ?? null, uploadedBy: ctx.actor,
      }); // prettier-ignore
      if (!stored.made) return stored.version;
      tx.log(entry(ctx, 'policy.uploaded', id, { name, version: stored.version, digest, tests_passed: tested }));
      if (body.activate) await enforce(ctx, tx, name, { id, version: stored.version, digest });
      return stored.version;
    });
    return {
      status: 'saved' as const,
      name,
      version,
      reload_hint: body.activate
        ? 'enforced from the next call on; approvals that were given under another version are void'
        : 'not enforced: POST /policy/activate',
      active: body.activate,
      digest,
      tests_passed: tested,
    };
  },

  activatePolicy: ({ body: { name, version } }, ctx) =>
    ctx.write(async (tx) => {
      const wanted = version === null ? null : await versionNamed(tx, name, version);
      const before = (await activeNow(tx)).find((p) => p.name === name)?.version ?? null;
      if (wanted && before !== wanted.version) await enforce(ctx, tx, name, wanted);
      if (!wanted && before !== null) {
        const { id } = await versionNamed(tx, name, before);
        await deactivate(tx, name);
        tx.log(entry(ctx, 'policy.deactivated', id, { name, version: before }));
      }
      const active = await activeNow(tx);
      return {
        name,
        active_version: version,
        previous_version: before,
        policy_version: active.length ? versionOf('', active) : null,
      };
    }),

  listPolicies: ({ query: { name, version, limit, offset } }, ctx) =>
    ctx.read(async (tx) => {
      if (name !== undefined && version !== undefined) {
        const one = await versionNamed(tx, name, version);
        return { items: [view(one, one)], total: 1, limit, offset };
      }
      const { versions, total } = await policyVersions(tx, name ?? null, limit, offset);
      return { items: versions.map((v) => view(v)), total, limit, offset };
    }),

  testPolicy: async ({ body }, ctx) => {
    const { loaded, tested } = await made(ctx, body.rego, body.tests ?? null);
    const inputs = body.test_cases.map(({ tool_name: tool, parameters, risk_score: risk }) =>
      regoInput(
        {
          tenant: ctx.tenantId,
          principal: { id: ctx.principal.id, kind: ctx.principal.kind, scopes: ctx.principal.scopes },
          agent: { id: ctx.principal.id, grants: [{ tool, effect: 'ALLOW' }] },
          tool: { name: tool, effect: 'external', scope: null },
          args: parameters, target: tool, run: null, approval: null, risk,
        },
        { name: 'test', status: 'ACTIVE' },
        'none',
      ),
    ); // prettier-ignore
    // Each for itself: one that takes too long is not the failure of the others.
    const results = [];
    for (const [i, input] of inputs.entries()) {
      const [answer = { error: 'no answer' }] = await ctx.kernel.workshop.evaluator.ask(
        ctx.tenantId,
        [loaded],
        [input],
      );
      const said = opinionOf('tested', loaded.entrypoints, answer);
      const test = body.test_cases[i];
      if (!test) throw new Error('a case has no input');
      results.push({
        input: test,
        expected: test.expected,
        actual: said.decision,
        passed: said.decision === test.expected,
        risk_adjustment: said.adjustment,
        reason: said.reasons[0]?.message ?? '',
      });
    }
    const passed = results.filter((r) => r.passed).length;
    return {
      results,
      passed_count: passed,
      total: results.length,
      all_passed: passed === results.length,
      tests_passed: tested,
    };
  },

  simulatePolicy: ({ body }, ctx) => simulate(ctx, body),
};
