import { perOwner } from '../../../log/shared';
import { Refused } from '../../../pipeline/rego/compile';
import { createWorkshop } from '../../../pipeline/rego/workshop';
import type { Ctx, Kernel } from '../../kernel';
import { root } from '../../root';
import { WithIssues } from '../../with-issues';

export const workshopOf = perOwner((kernel: Kernel) =>
  createWorkshop(root, (err) => kernel.logger.warn({ err }, 'a policy that was tried failed')),
);

/** Compiles, tests and tries a policy. @throws WithIssues with opa's words and where they are about */
export async function made(ctx: Ctx, rego: string, tests: string | null) {
  try {
    return await workshopOf(ctx.kernel).make(ctx.tenantId, rego, tests);
  } catch (e) {
    if (!(e instanceof Refused)) throw e;
    const issues = e.complaints.map(({ code, message, at }) => ({ path: ['body', ...at], message, code }));
    throw new WithIssues(e.message, { field: String(e.complaints[0]?.at[0] ?? 'rego') }, issues);
  }
}
