import { z } from 'zod';
import { Conflict } from '../../domain/errors';
import { digestOf } from '../../log/canonical';
import { tool, type Tool } from '../../pipeline/call';
import type { PolicyEngine } from '../../pipeline/policy';
import type { Asked } from './sink/line';

const args = z.strictObject({ what: z.string(), slow: z.boolean().default(false) });
type Args = z.output<typeof args>;

const effectTool = (name: string, sinkUrl: string): Tool =>
  tool({
    name,
    description: 'Has one thing done by the outside system of a proof.',
    effect: 'external',
    scope: 'deployments:write',
    content: 'prose',
    args,
    target: ({ what }: Args) => what,
    slow: ({ slow }: Args) => Promise.resolve(slow),
    async run({ what }: Args, { call, effect, signal }) {
      if (!effect) throw new Error('an external tool was given nothing that makes its effect happen once');
      const { id: run, step } = call.owner;
      const asked: Asked = { tenant: call.tenantId, run, step, ...effect, digest: digestOf({ name, what }) };
      const res = await fetch(sinkUrl, { method: 'POST', body: JSON.stringify(asked), signal });
      const said = (await res.json()) as { outcome: string; receipt: string };
      if (res.ok) return said;
      // Another attempt is at it, so this is nobody's answer; the same key for something else is one.
      if (said.outcome === 'stale') throw new Error(`attempt ${effect.attempt} at step ${step} is over`);
      throw new Conflict(`the sink answered ${res.status}: ${said.outcome}`);
    },
  });

/** Done at once, as the agents of the proof's tenants may; and done when people have approved it. */
export const applyEffect = 'effect.apply';
export const proposeEffect = 'effect.propose';
export const effectTools = (sinkUrl: string): Tool[] =>
  [applyEffect, proposeEffect].map((name) => effectTool(name, sinkUrl));

/** The built-in policy has people approve every effect outside; in a proof's tenants one tool needs no approval. */
export const approvedBeforehand = (builtin: PolicyEngine): PolicyEngine => ({
  version: builtin.version,
  evaluate: (input) =>
    input.tool.name === applyEffect
      ? builtin.evaluate({ ...input, tool: { ...input.tool, effect: 'write' } })
      : builtin.evaluate(input),
});
