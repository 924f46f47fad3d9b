import { killSwitchOf } from '../../../db/kill-switch';
import { digestOf } from '../../../log/canonical';
import type { Call, Execution } from '../../../pipeline/call';
import { wasCarriedOut } from '../../../pipeline/run';
import type { execution } from '../../contracts/aegis/execution';
import { BadRequest } from '../../bad-request';
import type { Ctx, Handlers } from '../../kernel';
import { completeSoon, gateFor } from './escalation';
import { callOf, type AskedBody } from './execution-asked';
import { answerOf, type Beside } from './execution-views';

/** The stages before the execution have so long together; what is not decided by then is not carried out. */
const decideWithinMs = 1_500;
/** A tool has its own limits; this is for one that keeps none. */
const carryOutMs = 60_000;

/** A request id, or a key, stands for one call: what was recorded under it is the answer to no other. @throws BadRequest */
function same(call: Call, recorded: Execution): void {
  if (recorded.tool === call.tool && recorded.argsDigest === digestOf(call.args)) return;
  throw reused();
}
const reused = () => new BadRequest('X-Request-ID was used for another call', { field: 'X-Request-ID' });
const takenId = (e: unknown): boolean => (e as { constraint?: unknown } | null)?.constraint === 'log_request';

/** What an answer needs to say beside the recorded decision. */
async function besideOf(ctx: Ctx, call: Call, e: Execution): Promise<Beside> {
  if (e.decision === 'escalate') return { gate: await gateFor(ctx, call, e), killSwitch: null };
  const killed = e.reasons[0]?.code === 'kill_switch_engaged';
  return { gate: null, killSwitch: killed ? await ctx.read(killSwitchOf) : null };
}

async function execute(ctx: Ctx, body: AskedBody, path: string | null) {
  const call = await callOf(ctx, body, path);
  const signal = AbortSignal.timeout(carryOutMs);
  const recorded = await ctx.kernel.pipeline.execute(call, { signal, decideWithinMs }).catch((e: unknown) => {
    throw takenId(e) ? reused() : e;
  });
  same(call, recorded);
  const { status, body: answer, retryAfterS } = answerOf(call, recorded, await besideOf(ctx, call, recorded));
  if (call.gateId !== null && wasCarriedOut(recorded)) completeSoon(ctx, call.gateId, recorded);
  if (retryAfterS !== null) ctx.setHeader('Retry-After', String(retryAfterS));
  ctx.answerWith(status);
  return answer;
}

export const executionHandlers: Handlers<typeof execution> = {
  execute: ({ body }, ctx) => execute(ctx, body, null),
  executeTool: ({ params, body }, ctx) => execute(ctx, body, params.tool_name),
};
