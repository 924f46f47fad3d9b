import { callSummary } from '../../../db/call-summary';
import { searchMetadata, type FoundByMetadata } from '../../../db/log-metadata';
import { searchEntries, type EntryFilter } from '../../../db/log-search';
import { untilOnDisk, type Read } from '../../../db/tx';
import { checkHead, signHead } from '../../../log/head';
import { reveal } from '../../../log/personal';
import { atMostEvery, perOwner } from '../../../log/shared';
import { verifyLog, type Verification } from '../../../log/verify';
import type { audit } from '../../contracts/aegis/audit';
import type { Handlers, Kernel } from '../../kernel';
import { auditRow } from './views';

/** Reading a whole log is work: who asks while it goes on waits for its end. */
const running = perOwner((_kernel: Kernel) => atMostEvery<Verification>(0));

interface Columns {
  agent_id?: string | undefined;
  action?: string | undefined;
  decision?: string | undefined;
  tool?: string | undefined;
  start_date?: string | undefined;
  end_date?: string | undefined;
}
const filterOf = (asked: Columns): EntryFilter => ({
  agentId: asked.agent_id ?? null,
  action: asked.action ?? null,
  decision: asked.decision ?? null,
  tool: asked.tool ?? null,
  from: asked.start_date ?? null,
  to: asked.end_date ?? null,
});

export const auditHandlers: Handlers<typeof audit> = {
  listAuditLogs: async ({ query }, ctx) => {
    const { limit, offset } = query;
    const { entries, total } = await ctx.read(async (tx) =>
      reveal(tx, ctx.kernel.keyring, await searchEntries(tx, filterOf(query), limit, offset)),
    );
    return { total, limit, offset, items: entries.map(auditRow) };
  },
  searchAuditLogs: async ({ body }, ctx) => {
    const { limit, offset, metadata_filter: contains } = body;
    const search = async (tx: Read): Promise<FoundByMetadata> =>
      contains === undefined || Object.keys(contains).length === 0
        ? { ...(await searchEntries(tx, filterOf(body), limit, offset)), complete: true }
        : searchMetadata(tx, filterOf(body), contains, limit, offset);
    const { entries, total, complete } = await ctx.read(async (tx) => reveal(tx, ctx.kernel.keyring, await search(tx)));
    return { total, limit, offset, items: entries.map(auditRow), complete };
  },
  summariseAuditLogs: ({ query: { days, agent_id } }, ctx) =>
    ctx.read((tx) => callSummary(tx, { days, agentId: agent_id ?? null })),
  verifyAuditLogs: async ({ query }, ctx) => {
    const { keyring, store } = ctx.kernel;
    const found = await running(ctx.kernel)(ctx.tenantId, () => ctx.read((tx) => verifyLog(tx, keyring)));
    const { end, head } = await ctx.read(async (tx) => ({
      end: query.head === undefined ? null : await checkHead(tx, keyring, query.head),
      head: await signHead(tx, keyring),
    }));
    await untilOnDisk(store.pool);
    const unlike = end ? [{ ...end, requestId: null, shard: null, id: null }] : [];
    const errors = found.errorCount + unlike.length;
    return {
      valid: errors === 0,
      is_integrous: errors === 0,
      rows_checked: found.rowsChecked,
      processed_count: found.rowsChecked,
      error_count: errors,
      head: errors === 0 ? head : null,
      violations: [...unlike, ...found.violations].slice(0, 100).map((v) => ({
        request_id: v.requestId,
        shard: v.shard,
        error: v.error,
        expected_prev: v.expected,
        actual_prev: v.actual,
        audit_id: v.id,
        seq: v.seq,
      })),
      tenant_id: ctx.tenantId,
    };
  },
};
