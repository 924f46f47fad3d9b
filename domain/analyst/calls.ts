import type { Move, Observation } from '../harness';

export type Call = Extract<Move, { kind: 'call' }>;

export function call(tool: string, args: Record<string, unknown>, why: string): Call {
  return { kind: 'call', tool, args, why };
}

/** The same arguments give the same key, in whatever order they are written. */
export function keyOf(tool: string, args: Record<string, unknown>): string {
  const sorted = Object.entries(args).sort(([a], [b]) => (a < b ? -1 : 1));
  return `${tool} ${JSON.stringify(sorted)}`;
}

/** A call was carried out when the pipeline let it through; every other decision means that nothing came of it. */
export function carriedOut(observation: Observation): boolean {
  return (observation.decision === 'allow' || observation.decision === 'monitor') && observation.digest !== null;
}

/** What was asked already, whatever came of it: nothing is asked twice. */
export class Asked {
  private readonly keys: Set<string>;

  constructor(private readonly observations: readonly Observation[]) {
    this.keys = new Set(observations.map(({ tool, args }) => keyOf(tool, args)));
  }

  has({ tool, args }: Call): boolean {
    return this.keys.has(keyOf(tool, args));
  }

  hasTool(tool: string): boolean {
    return this.observations.some((observation) => observation.tool === tool);
  }
}
