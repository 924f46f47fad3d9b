import { insertRecords, listRecords, type AgentRecord } from '../../../db/agent-records';
import { recordKinds, type RecordKind } from '../../../domain/agent-records';
import { pageOf, type Place } from '../../contracts/agent-ops/door';
import type { records } from '../../contracts/agent-ops/records';
import type { Ctx, Handlers } from '../../kernel';

/** As the wire has it: the columns, which the contract's output checks. */
export const recordView =
  (kind: RecordKind) =>
  ({ at: _place, ...row }: AgentRecord): never => {
    const { time } = recordKinds[kind];
    return { ...row, [time]: (row[time] as Date).toISOString() } as never;
  };

interface Query {
  limit: number;
  cursor?: Place | undefined;
  since?: string | undefined;
}
const list =
  (kind: RecordKind) =>
  async ({ query }: { query: Query }, ctx: Ctx) => {
    const { limit, cursor, since } = query;
    const page = { since: since ?? null, after: cursor ?? null, limit: limit + 1 };
    const rows = await ctx.read((tx) => listRecords(tx, kind, { ...query }, page));
    return pageOf(rows, limit, recordView(kind));
  };

type Said = Record<string, unknown> & { agent_name: string };
const record =
  (kind: RecordKind) =>
  ({ body }: { body: Said | Said[] }, ctx: Ctx) =>
    ctx.write(async (tx) => {
      const said = (Array.isArray(body) ? body : [body]).map((r, i) => ({ ...r, id: ctx.newId(`${kind} ${i}`) }));
      const { rows, added } = await insertRecords(tx, kind, said);
      const [first] = said;
      // One entry a call: what the rows say is in their table, for as long as they are kept.
      if (added && first) {
        const agents = [...new Set(said.map((r) => r.agent_name))];
        tx.log({
          kind: `${kind}.recorded`,
          actor: ctx.actor,
          subject: { kind: 'agent_record', id: first.id },
          body: { rows: added, agents: agents.slice(0, 20), agent_count: agents.length },
        });
      }
      const views = rows.map(recordView(kind));
      return (Array.isArray(body) ? views : views[0]) as never;
    });

export const recordHandlers: Handlers<typeof records> = {
  listMetrics: list('metrics'),
  recordMetrics: record('metrics'),
  listToolCalls: list('tool_log'),
  recordToolCalls: record('tool_log'),
  listReportRuns: list('report_runs'),
  recordReportRuns: record('report_runs'),
};
