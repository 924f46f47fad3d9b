import { Unavailable } from '../../../domain/errors';
import { postmortems } from '../../../db/learning';
import { byRules, pending, type Postmortem, type Synthesised } from '../../../domain/learning';
import { postmortemSynthesis, synthesised } from '../../../workflows/postmortem-synthesis';
import { synthesisStart } from '../../../workflows/start';
import type { Ctx } from '../../kernel';
import { Gone } from '../../temporal';

/** How a postmortem begins that is derived from the records: at once by the rules; or drafted by them, where a model is to write it. */
export const beginning = ({
  kernel,
}: Ctx): { status: 'draft' | 'ready_for_review'; synthesis: Synthesised; kind: string } =>
  kernel.config.learning.model
    ? { status: 'draft', synthesis: pending, kind: 'postmortem.drafted' }
    : { status: 'ready_for_review', synthesis: byRules(), kind: 'postmortem.synthesised' };

/** Waits as long as any request does for a model to write it. It does so without us as well: the reader of the log sees to that. */
export async function writtenSoon(ctx: Ctx, drafted: Postmortem): Promise<Postmortem> {
  if (drafted.synthesis?.state !== 'pending') return drafted;
  const { temporal, logger } = ctx.kernel;
  try {
    await temporal.open(postmortemSynthesis, synthesised, synthesisStart(drafted, temporal.queues.agents));
  } catch (e) {
    if (!(e instanceof Gone) && !(e instanceof Unavailable)) throw e;
    logger.info({ postmortem: drafted.id, why: e.message }, 'a postmortem is written later');
  }
  return (await ctx.read((tx) => postmortems.byId(tx, drafted.id))) ?? drafted;
}
