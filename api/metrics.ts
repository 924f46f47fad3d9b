import type { NextFunction, Request, Response } from 'express';
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import { reconciliation } from '../db/reconciliations';
import type { Kernel } from './kernel';

export const registry = new Registry();
collectDefaultMetrics({ register: registry });

const requests = new Histogram({
  name: 'wheelhouse_http_request_duration_seconds',
  help: 'Time from a request to its answer',
  labelNames: ['method', 'route', 'status'],
  buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
  registers: [registry],
});
const failures = new Counter({
  name: 'wheelhouse_http_failures_total',
  help: 'Answers of 500 and above',
  labelNames: ['route'],
  registers: [registry],
});
/** Streams of events whose reader did not take them. */
export const droppedStreams = new Counter({
  name: 'wheelhouse_event_streams_dropped_total',
  help: 'Streams of events that were ended because their reader was too slow',
  registers: [registry],
});
const entities = new Gauge({
  name: 'wheelhouse_entities',
  help: 'Rows by kind and status, over all tenants, as of the scrape',
  labelNames: ['kind', 'status'],
  registers: [registry],
});

const reconciled = {
  auditWithoutUsage: new Gauge({
    name: 'wheelhouse_audit_without_usage',
    help: 'Audit rows that no usage record is for, as last reported',
    labelNames: ['tenant'],
    registers: [registry],
  }),
  usageWithoutAudit: new Gauge({
    name: 'wheelhouse_usage_without_audit',
    help: 'Usage records that no audit row is for, as last reported',
    labelNames: ['tenant'],
    registers: [registry],
  }),
  outboxPendingSeconds: new Gauge({
    name: 'wheelhouse_outbox_pending_seconds',
    help: 'Age of the oldest usage record that waits, as last reported',
    labelNames: ['tenant'],
    registers: [registry],
  }),
};

export function observeRequest(req: Request, res: Response, next: NextFunction): void {
  const end = requests.startTimer();
  res.on('finish', () => {
    const route = (req.route as { path?: string } | undefined)?.path ?? 'none';
    end({ method: req.method, route, status: String(res.statusCode) });
    if (res.statusCode >= 500) failures.inc({ route });
  });
  next();
}

/** The exposition, with the numbers of now. */
export async function exposition({ store }: Kernel): Promise<string> {
  entities.reset();
  for (const gauge of Object.values(reconciled)) gauge.reset();
  for (const tenantId of await store.tenants()) {
    const { rows } = await store.read(tenantId, (tx) =>
      tx.query<{ kind: string; status: string; n: number }>(
        `select 'run' as kind, status, count(*) as n from runs group by status
         union all select 'gate', status, count(*) from gates group by status
         union all select 'lease', status, count(*) from leases group by status`,
      ),
    );
    const found = await store.read(tenantId, reconciliation);
    for (const [name, value] of Object.entries(found ?? {}))
      reconciled[name as keyof typeof reconciled].set({ tenant: tenantId }, Number(value));
    for (const row of rows) entities.inc({ kind: row.kind, status: row.status }, row.n);
  }
  return registry.metrics();
}
