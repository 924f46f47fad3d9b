import { Refused } from '../../../pipeline/rego/compile';
import type { Ctx } from '../../kernel';
import { WithIssues } from '../../with-issues';

/** Compiles, tests and tries a policy. @throws WithIssues with opa's words and where they are about */
export async function made(ctx: Ctx, rego: string, tests: string | null) {
  try {
    return await ctx.kernel.workshop.make(ctx.tenantId, rego, tests);
  } catch (e) {
    if (!(e instanceof Refused)) throw e;
    const issues = e.complaints.map(({ code, message, at }) => ({ path: ['body', ...at], message, code }));
    throw new WithIssues(e.message, { field: String(e.complaints[0]?.at[0] ?? 'rego') }, issues);
  }
}
