import { callSummary } from '../../../db/call-summary';
import { searchEntries } from '../../../db/log-search';
import { untilOnDisk } from '../../../db/tx';
import { checkHead, signHead } from '../../../log/head';
import { atMostEvery, perOwner } from '../../../log/shared';
import { verifyLog, type Verification } from '../../../log/verify';
import type { audit } from '../../contracts/aegis/audit';
import type { Handlers, Kernel } from '../../kernel';
import { auditRow } from './views';

/** Reading a whole log is work: who asks while it goes on waits for its end. */
const running = perOwner((_kernel: Kernel) => atMostEvery<Verification>(0));

export const auditHandlers: Handlers<typeof audit> = {
  listAuditLogs: async ({ query }, ctx) => {
    const { limit, offset } = query;
    const filter = {
      agentId: query.agent_id ?? null,
      action: query.action ?? null,
      decision: query.decision ?? null,
      tool: query.tool ?? null,
      from: query.start_date ?? null,
      to: query.end_date ?? null,
    };
    const { entries, total } = await ctx.read((tx) => searchEntries(tx, filter, limit, offset));
    return { total, limit, offset, items: entries.map(auditRow) };
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
