import { z } from 'zod';
import { Conflict } from '../../domain/errors';
import { digestOf } from '../../log/canonical';
import { tool, type Tool, type ToolContext } from '../../pipeline/call';
import type { PolicyEngine } from '../../pipeline/policy';
import type { Asked } from './sink/line';

const args = z.strictObject({ what: z.string(), slow: z.boolean().default(false) });
type Args = z.output<typeof args>;

async function done(sinkUrl: string, name: string, what: string, { call, effect, signal }: ToolContext) {
  if (!effect) throw new Error('an external tool was given nothing that makes its effect happen once');
  const { id: run, step } = call.owner;
  const asked: Asked = { tenant: call.tenantId, run, step, ...effect, digest: digestOf({ name, what }) };
  const res = await fetch(sinkUrl, { method: 'POST', body: JSON.stringify(asked), signal });
  const said = (await res.json()) as { outcome: string; receipt: string };
  if (res.ok) return said;
  // Another attempt is at it, so this is nobody's answer; the same key for something else is one.
  if (said.outcome === 'stale') throw new Error(`attempt ${effect.attempt} at step ${step} is over`);
  throw new Conflict(`the sink answered ${res.status}: ${said.outcome}`);
}

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
    run: ({ what }: Args, context) => done(sinkUrl, name, what, context),
  });

/** What a proof's leases are for. */
export const leased = { system: 'proof', resourceType: 'thing', resourceId: 'one', action: 'use' };

/** Shows a credential that was lent to the run to whoever made it, and has its effect when it is alive. */
const leaseTool = (sinkUrl: string, providerUrl: string): Tool =>
  tool({
    name: useLease,
    description: 'Uses what was lent.',
    effect: 'external',
    scope: 'deployments:write',
    content: 'prose',
    args: z.strictObject({ what: z.string() }),
    target: ({ what }) => what,
    async run({ what }, context) {
      const { secret, signal } = await context.credential(leased);
      const res = await fetch(`${providerUrl}/use`, { method: 'POST', body: JSON.stringify({ secret }), signal });
      if (!res.ok) throw new Conflict(`the provider answered ${res.status}`);
      await res.arrayBuffer();
      return done(sinkUrl, useLease, what, { ...context, signal });
    },
  });

/** Done at once, as the agents of the proof's tenants may; and done when people have approved it. */
export const applyEffect = 'effect.apply';
export const proposeEffect = 'effect.propose';
export const useLease = 'effect.use';
/** Needs no approval. */
const atOnce: readonly string[] = [applyEffect, useLease];
export const effectTools = (sinkUrl: string, providerUrl: string | null): Tool[] => [
  ...[applyEffect, proposeEffect].map((name) => effectTool(name, sinkUrl)),
  ...(providerUrl === null ? [] : [leaseTool(sinkUrl, providerUrl)]),
];

/** The built-in policy has people approve every effect outside; in a proof's tenants some tools need no approval. */
export const approvedBeforehand = (builtin: PolicyEngine): PolicyEngine => ({
  version: builtin.version,
  evaluate: (input) =>
    atOnce.includes(input.tool.name)
      ? builtin.evaluate({ ...input, tool: { ...input.tool, effect: 'write' } })
      : builtin.evaluate(input),
});
