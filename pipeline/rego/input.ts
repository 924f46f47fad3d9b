import type { PolicyInput } from '../policy';
import { expand, normalise } from '../screening/normalise';

/** What is known of the agent besides. */
export interface AgentFacts {
  name: string | null;
  status: string | null;
}

const commands = ['command', 'cmd', 'script', 'shell'];
const queries = ['query', 'sql', 'statement'];
const limits = ['row_limit', 'limit', 'max_rows'];
const namespaces = ['k8s_namespace', 'namespace'];

type Args = Readonly<Record<string, unknown>>;
const first = <T>(args: Args, names: readonly string[], is: (v: unknown) => v is T): T | null =>
  names.map((name) => args[name]).find(is) ?? null;
const isText = (v: unknown): v is string => typeof v === 'string';
const isNumber = (v: unknown): v is number => typeof v === 'number';
/** In the reading in which encodings, look-alikes and comments are gone: a rule need not know of them. */
const normal = (text: string | null): string | null => text && (normalise(expand(text)[0] ?? '')[0] ?? '');
/** What is read of a text: what is longer was refused before (screening), or is prose. */
const mostRead = 20_000;

/**
 * What a tenant's policies read of a call: the names of the published form, those of its draft (`tool_name`, `payload`), and under
 * `call` what the built-in policies read. Nothing else is there: the same call has the same answer at any time.
 */
export function regoInput(input: PolicyInput, agent: AgentFacts, policyVersion: string): string {
  const args: Args =
    typeof input.args === 'object' && input.args !== null ? (input.args as Args) : { input: input.args };
  const raw = JSON.stringify(input.args).slice(0, mostRead);
  return JSON.stringify({
    tenant_id: input.tenant,
    agent: {
      id: input.agent.id,
      name: agent.name,
      status: agent.status?.toLowerCase() ?? null,
      permissions: input.agent.grants.map(({ tool, effect }) => ({ tool_name: tool, action: effect })),
    },
    tool: input.tool.name,
    tool_name: input.tool.name,
    payload: input.args,
    risk_score: input.risk,
    policy_version: policyVersion,
    metadata: {
      arguments: {
        command_norm: normal(first(args, commands, isText)?.slice(0, mostRead) ?? null),
        query_norm: normal(first(args, queries, isText)?.slice(0, mostRead) ?? null),
        path: first(args, ['path', 'file', 'filename'], isText),
        url: first(args, ['url', 'uri', 'endpoint'], isText),
        raw_norm: normal(raw),
        row_limit: first(args, limits, isNumber),
        k8s_namespace: first(args, namespaces, isText),
        canonical: input.args,
      },
    },
    call: input,
  });
}
