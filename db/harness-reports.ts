import type { Pool } from 'pg';
import { z } from 'zod';
import { InstantSchema, JsonObject } from '../domain/common.schema';
import type { FoundCommand } from '../domain/harnesses';

/** What a worker finds of one command on its machine. */
interface HarnessReport extends FoundCommand {
  host: string;
}

const Row = z.object({
  host: z.string(),
  harness: z.string(),
  program: z.string(),
  path: z.string().nullable(),
  version: z.string().nullable(),
  error: z.string().nullable(),
  details: JsonObject,
  checkedAt: InstantSchema,
});
export type StandingReport = z.output<typeof Row>;

/** Of all commands of a place, in place of what was said of it before. */
export async function writeReports(
  pool: Pool,
  place: string,
  reports: readonly HarnessReport[],
  goodForSeconds: number,
): Promise<void> {
  await pool.query(
    `with said as (
       select * from jsonb_to_recordset($2) as r (host text, harness text, program text, path text, version text, error text, details jsonb)
     ), old as (
       delete from harness_reports where expires_at < now() or (place = $1 and not harness = any(select harness from said))
     )
     insert into harness_reports (place, host, harness, program, path, version, error, details, checked_at, expires_at)
     select $1, host, harness, program, path, version, error, details, now(), now() + make_interval(secs => $3) from said
     on conflict (place, harness) do update set host = excluded.host, program = excluded.program, path = excluded.path,
       version = excluded.version, error = excluded.error, details = excluded.details, checked_at = excluded.checked_at,
       expires_at = excluded.expires_at`,
    [place, JSON.stringify(reports), goodForSeconds],
  );
}

/** Whether a worker elsewhere has the command. */
export async function isElsewhere(pool: Pool, harness: string, place: string): Promise<boolean> {
  const { rowCount } = await pool.query(
    `select from harness_reports where harness = $1 and place <> $2 and path is not null and expires_at > now() limit 1`,
    [harness, place],
  );
  return rowCount === 1;
}

/** What workers that are there say, the newest first. */
export async function standingReports(pool: Pool): Promise<StandingReport[]> {
  const { rows } = await pool.query(
    `select host, harness, program, path, version, error, details, checked_at as "checkedAt" from harness_reports
     where expires_at > now() order by checked_at desc, host`,
  );
  return rows.map((r) => Row.parse(r));
}
