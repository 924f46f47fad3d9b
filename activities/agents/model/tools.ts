import type { ToolSpec } from '../../../domain/model';
import { ownTools } from '../../../domain/reasoner/asked';
import type { ToolEntry } from '../../../pipeline/call';

const text = (description: string) => ({ type: 'string', description });
const object = (properties: Record<string, unknown>, required: string[]): Record<string, unknown> => ({
  type: 'object', properties, required, additionalProperties: false,
}); // prettier-ignore

const finish: ToolSpec = {
  name: ownTools.finish,
  description: 'Ends the work. Call it when there is nothing more to do.',
  schema: object({ summary: text('What was found and done, for the people who read the ticket') }, ['summary']),
};

const requestAccess: ToolSpec = {
  name: ownTools.access,
  description: 'Asks people for access to a system, once a system. Go on meanwhile; vault.check says how it stands.',
  schema: object(
    {
      system: text('The system, as the ticket names it'),
      resource: text('What of it'),
      permission: { type: 'string', enum: ['read', 'write', 'admin'] },
      reason: text('Why it is needed, in a sentence'),
    },
    ['system', 'resource', 'permission', 'reason'],
  ),
};

/** What reaches outside is proposed, with the arguments that the approval is sealed to. */
const propose = (tools: readonly ToolEntry[]): ToolSpec => ({
  name: ownTools.propose,
  description: `Proposes one change, which people approve or reject; then it is carried out exactly so, and the work ends. The tools:
${tools.map((t) => `${t.name}: ${t.description} Arguments: ${JSON.stringify(t.schema)}`).join('\n')}`,
  schema: object(
    {
      tool: { type: 'string', enum: tools.map((t) => t.name) },
      arguments: { type: 'object', description: 'As the tool has them' },
      target: text('What it changes, in a few words'),
      reason: text('Why people should approve it'),
    },
    ['tool', 'arguments', 'reason'],
  ),
});

export interface Grant {
  tool: string;
  effect: 'ALLOW' | 'DENY';
}

const isGranted = (name: string, grants: readonly Grant[]): boolean => {
  const effects = grants.filter((g) => g.tool === name || g.tool === '*').map((g) => g.effect);
  return effects.includes('ALLOW') && !effects.includes('DENY');
};

/** What a run may call: the pipeline refuses the rest. */
export const callable = (
  catalogue: readonly ToolEntry[],
  scopes: readonly string[],
  grants: readonly Grant[],
): ToolEntry[] => catalogue.filter((t) => scopes.includes(t.scope) && isGranted(t.name, grants));

/** What a model is told that it may call. */
export function toolsFor(
  catalogue: readonly ToolEntry[],
  scopes: readonly string[],
  grants: readonly Grant[],
): ToolSpec[] {
  const may = callable(catalogue, scopes, grants);
  const outside = may.filter((t) => t.effect === 'external');
  return [
    ...may.filter((t) => t.effect !== 'external'),
    ...(scopes.includes('access:request') ? [requestAccess] : []),
    ...(outside.length > 0 ? [propose(outside)] : []),
    finish,
  ].map(({ name, description, schema }) => ({ name, description, schema }));
}
