import type { Call, Tool } from './call';
import type { ServedTools } from './mcp/served';
import { sealOf } from './seal';
import type { State } from './stages';
import { elsewhere } from './tools/elsewhere';

/** A call as its tool takes it. */
export type Asked = Pick<State, 'tool' | 'args' | 'argsError'> & {
  /** What it is about, for people and for the seal. */
  target: string;
};

/** Finds the tool of a call, and reads the arguments by its schema. */
export function readingBy(builtin: readonly Tool[], served: ServedTools | undefined): (call: Call) => Promise<Asked> {
  const tools = new Map(builtin.map((t) => [t.name, t]));
  return async (call) => {
    const here = tools.get(call.tool) ?? (await served?.find(call.tenantId, call.tool)) ?? null;
    const isOwn = here === null && call.owner.kind === 'request' && !(await served?.isTaken(call.tenantId, call.tool));
    const tool = here ?? (isOwn ? elsewhere(call.tool) : null);
    const parsed = tool?.args.safeParse(call.args);
    const args: unknown = parsed?.success ? parsed.data : null;
    const issue = parsed?.error?.issues[0];
    return {
      tool,
      args,
      argsError: issue ? `${issue.path.join('.') || 'arguments'}: ${issue.message}` : null,
      target: tool && parsed?.success ? tool.target(args) : call.tool,
    };
  };
}

/** Of calls by request to the version of the agent, too: a run goes by one version from its beginning to its end. */
export const digestOf = (
  call: Call,
  { tool, target }: Asked,
  policyVersion: string,
  agentVersion: number | null,
): string =>
  sealOf(call, target, policyVersion, {
    definition: tool?.definition,
    ...(call.owner.kind === 'request' && { agentVersion: agentVersion ?? 0 }),
  });
