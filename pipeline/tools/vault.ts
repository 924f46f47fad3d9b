import { z } from 'zod';
import { activeLeases } from '../../db/search';
import { tool } from '../call';

/** `*` stands for any text, `?` for one character. Takes no longer than the product of both lengths. */
export function matchesGlob(pattern: string, text: string): boolean {
  let [p, t] = [0, 0];
  let star = -1;
  let retry = 0;
  while (t < text.length) {
    if (pattern[p] === '*') {
      star = p;
      retry = t;
      p += 1;
    } else if (pattern[p] === '?' || pattern[p] === text[t]) {
      p += 1;
      t += 1;
    } else if (star >= 0) {
      p = star + 1;
      retry += 1;
      t = retry;
    } else return false;
  }
  while (pattern[p] === '*') p += 1;
  return p === pattern.length;
}

const name = z
  .string()
  .trim()
  .min(1)
  .max(200)
  .refine((text) => text.isWellFormed() && !text.includes('\u0000'), 'holds characters that no name has');

export const vaultCheck = tool({
  name: 'vault.check',
  description: 'Asks whether a lease of this run covers what is needed. Answers with a reference, never with a secret.',
  effect: 'read',
  scope: 'agents:read',
  content: 'prose',
  args: z.strictObject({ system: name, resource_type: name, resource_id: name, action: name }),
  target: (a) => `${a.system}/${a.resource_type}/${a.resource_id}/${a.action}`,
  async run({ system, resource_type, resource_id, action }, context) {
    const leases = await context.read((tx) =>
      activeLeases(tx, { runId: context.call.owner.id, system, resourceType: resource_type, action }),
    );
    const lease = leases.find((l) => matchesGlob(l.resource_id, resource_id));
    return {
      allow: lease !== undefined,
      lease_id: lease?.number ?? null,
      credential_ref: lease?.credential_ref ?? null,
      secret_values_returned: false,
    };
  },
});
