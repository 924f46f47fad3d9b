import { z } from 'zod';
import { analyst } from '../../domain/analyst/analyst';
import type { Harness, Move } from '../../domain/harness';
import { applyEffect, proposeEffect, useLease } from './effect';

const Plan = z.strictObject({
  /** Effects that need no approval. */
  effects: z.int().min(0),
  /** How many of them go through an ordinary activity. */
  slow: z.int().min(0).default(0),
  /** Quick reads before each. */
  reads: z.int().min(0).default(0),
  /** One change that people decide on, at the end. */
  propose: z.boolean().default(false),
  /** Uses of a credential that is lent to the run, once it has it, until three of them failed; then it waits for people. */
  uses: z.int().min(0).default(0),
});
/** What a proof's agent does. */
export type Plan = z.input<typeof Plan>;

const prefix = 'plan ';
/** The prompt to spawn it with. */
export const promptOf = (plan: Plan): string => prefix + JSON.stringify(plan);

/** Follows the plan in its prompt, step for step; without one it is the analyst. */
export const planned: Harness = {
  name: analyst.name,
  next(brief, observations): Move {
    if (!brief.prompt?.startsWith(prefix)) return analyst.next(brief, observations);
    const plan = Plan.parse(JSON.parse(brief.prompt.slice(prefix.length)));
    const proposal = { action: 'effect', target: brief.slug, reason: 'the plan says so', tool: proposeEffect };
    const propose: Move = { kind: 'propose', ...proposal, args: { what: `proposal of ${brief.slug}` } };
    if (plan.uses > 0) {
      const used = observations.filter((o) => o.tool === useLease);
      const lent = used.length > 0 || brief.access.some((a) => a.credentialRef !== null);
      const failed = used.filter((o) => o.decision !== 'allow' && o.decision !== 'monitor').length;
      if (!lent || used.length >= plan.uses || failed >= 3) return propose;
      return { kind: 'call', tool: useLease, args: { what: `use ${used.length} of ${brief.slug}` }, why: 'a use' };
    }
    const done = observations.filter((o) => o.tool !== proposeEffect).length;
    const block = plan.reads + 1;
    const effects = Math.floor(done / block);
    const what = `effect ${effects} of ${brief.slug}`;
    if (effects >= plan.effects) {
      const summary = `${plan.effects} effects, heard ${brief.steering.length}`;
      return plan.propose ? propose : { kind: 'finish', summary };
    }
    if (done % block < plan.reads)
      return { kind: 'call', tool: 'knowledge.search', args: { query: `step ${done}` }, why: 'a read' };
    return { kind: 'call', tool: applyEffect, args: { what, slow: effects < plan.slow }, why: 'an effect' };
  },
};
