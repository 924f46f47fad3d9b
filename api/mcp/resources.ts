import { agents } from '../contracts/agentic/agents';
import { runner } from '../contracts/agentic/runner';
import { investigations } from '../contracts/ops-agent/investigations';
import type { Operation } from '../operation';
import type { Answered } from './dispatch';

export interface Template {
  uriTemplate: string;
  name: string;
  description: string;
  mimeType: string;
  op: Operation;
}

const template = (uriTemplate: string, name: string, mimeType: string, op: Operation): Template => ({
  uriTemplate, name, mimeType, op, description: op.summary,
}); // prettier-ignore

export const templates: readonly Template[] = [
  template('wheelhouse://runs/{agent_id}', 'run', 'application/json', agents.getAgent),
  template('wheelhouse://runs/{agent_id}/trace', 'trace of a run', 'application/json', runner.getAgentLogs),
  template('wheelhouse://investigations/{investigation_id}', 'investigation', 'application/json', investigations.getInvestigation),
  template('wheelhouse://investigations/{investigation_id}/trace', 'trace of an investigation', 'text/html', investigations.getTrace),
]; // prettier-ignore

/** One id each, without a slash. */
const patterns = templates.map(({ uriTemplate, op }) => ({
  pattern: new RegExp(`^${uriTemplate.replace(/\{\w+\}/, '([A-Za-z0-9-]{1,36})')}$`),
  path: op.route.slice(op.route.indexOf(' ') + 1),
}));

/** The request that reads it; null: no template fits. */
export function resourceOf(uri: string): string | null {
  for (const { pattern, path } of patterns) {
    const id = pattern.exec(uri)?.[1];
    if (id !== undefined) return path.replace(/:\w+/, id);
  }
  return null;
}

const most = 20;

/** The newest runs and investigations, as far as the caller may see them. */
export async function listed(scopes: readonly string[], get: (url: string) => Promise<Answered>) {
  const read = async <T>(op: Operation): Promise<T | null> => {
    if (!scopes.includes(op.access)) return null;
    const { status, body } = await get(`${op.route.slice(op.route.indexOf(' ') + 1)}?limit=${most}`);
    return status < 400 ? (body as T) : null;
  };
  const [runs, found] = await Promise.all([
    read<{ agents: { id: number; status: string }[] }>(agents.listAgents),
    read<{ items: { investigation_id: string; status: string }[] }>(investigations.listInvestigations),
  ]);
  const of = (kind: string, id: string | number, status: string) => ({
    uri: `wheelhouse://${kind}s/${id}`, name: `${kind} ${id}`, description: status, mimeType: 'application/json',
  }); // prettier-ignore
  return [
    ...(runs?.agents ?? []).map((a) => of('run', a.id, a.status)),
    ...(found?.items ?? []).map((i) => of('investigation', i.investigation_id, i.status)),
  ];
}
