import { z } from 'zod';
import { cut, type EvidenceReport } from '../domain/evidence';
import { ReportSchema } from '../domain/report.schema';
import type { Read } from './tx';

/** What log mining found in one step of a run: failing kinds of events, and lines as they look without their values. */
export interface LogFindings {
  ownerId: string;
  step: number;
  signals: { id: string; title: string; events: number }[];
  templates: { text: string; events: number }[];
}

const Mined = z.object({
  signals: z.array(z.object({ id: z.string(), title: z.string(), failing: z.boolean(), events: z.number() })),
  templates: z.array(z.object({ text: z.string(), events: z.number() })),
});

/** Of these runs and investigations, in order. A result in a form that is not known says nothing here. */
export async function logFindings(tx: Read, ownerIds: readonly string[]): Promise<LogFindings[]> {
  const { rows } = await tx.query<{ owner_id: string; step: number; mined: unknown }>(
    `select owner_id, step, jsonb_build_object('signals', result -> 'signals', 'templates', result -> 'templates') as mined
     from executions where owner_id = any($1) and tool = 'logs.errors' and result is not null order by owner_id, step`,
    [ownerIds],
  );
  return rows.flatMap(({ owner_id, step, mined }) => {
    const { data } = Mined.safeParse(mined);
    if (!data) return [];
    const signals = data.signals.filter((s) => s.failing).map(({ id, title, events }) => ({ id, title, events }));
    return [{ ownerId: owner_id, step, signals, templates: data.templates }];
  });
}

const mostClaims = 20;

/** The last report that each run proposed to publish, whatever people decided. */
export async function reportsOf(tx: Read, ownerIds: readonly string[]): Promise<Map<string, EvidenceReport>> {
  const { rows } = await tx.query<{ owner_id: string; step: number; report: unknown; published: boolean }>(
    `select distinct on (owner_id) owner_id, step, args -> 'report' as report,
       bool_or(decision in ('allow', 'monitor')) over (partition by owner_id) as published
     from executions where owner_id = any($1) and tool = 'site.publish' order by owner_id, step desc`,
    [ownerIds],
  );
  const reports = rows.flatMap(({ owner_id, step, report, published }): [string, EvidenceReport][] => {
    const { data } = ReportSchema.safeParse(report);
    if (!data) return [];
    const compact: EvidenceReport = {
      step,
      published,
      title: cut(data.title, 240),
      summary: cut(data.summary, 600),
      claims: data.claims.slice(0, mostClaims).map((c) => ({
        statement: cut(c.statement, 480),
        kind: c.kind,
        confidence: c.confidence,
        cites: c.cites.slice(0, 8),
      })),
      references: data.references.slice(0, 20).map(({ kind, id, title }) => ({ kind, id, title: cut(title, 240) })),
      limits: data.limits.slice(0, 12).map((limit) => cut(limit, 260)),
      steering_answered: data.steering.length,
    };
    return [[owner_id, compact]];
  });
  return new Map(reports);
}
