import { setTimeout as pause } from 'node:timers/promises';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import type { Config } from '../../config';
import { ask, headersOf, refusedWith, serverOf, unreachable, type Reached } from './client';
import { CliError, exits } from './exit';
import { print, printJson, short, when } from './print';

export interface LogOptions {
  follow?: boolean;
  lines: number;
  /** Place in the log: what came after it. */
  after?: number;
  agent?: string;
  action?: string;
  decision?: string;
  tool?: string;
  since?: string;
  json?: boolean;
}
interface Row {
  seq: number;
  timestamp: string;
  action: string;
  tool: string | null;
  decision: string;
  reason: string | null;
  actor: { name: string };
}

const most = 1000;

function filtersOf(o: LogOptions): Record<string, string> {
  const given = { agent_id: o.agent, action: o.action, decision: o.decision, tool: o.tool, start_date: o.since };
  return Object.fromEntries(Object.entries(given).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

const page = async (
  server: Reached,
  filters: Record<string, string>,
  limit: number,
  offset: number,
): Promise<Row[]> => {
  const query = new URLSearchParams({ ...filters, limit: String(limit), offset: String(offset) });
  return (await ask<{ data: { items: Row[] } }>(server, 'GET', `/audit/logs?${query.toString()}`)).data.items;
};

/** All that fits and came after that place, oldest first. New entries move a page on: what it shows twice is taken once. */
async function rowsAfter(server: Reached, filters: Record<string, string>, after: number): Promise<Row[]> {
  const found = new Map<number, Row>();
  for (let offset = 0, limit = 50; ; offset += limit, limit = most) {
    const rows = await page(server, filters, limit, offset);
    for (const row of rows) if (row.seq > after) found.set(row.seq, row);
    if (rows.length < limit || rows.some(({ seq }) => seq <= after)) break;
  }
  return [...found.values()].sort((a, b) => a.seq - b.seq);
}

function tell(row: Row, json: boolean): void {
  if (json) return printJson(row);
  const { seq, timestamp, actor, action, tool, decision, reason } = row;
  const parts = [when(timestamp), `#${seq}`, short(actor.name, 24), action, tool, decision, reason === null ? null : short(reason, 100)];
  print(parts.filter((part) => part !== null && part !== '').join('  '));
} // prettier-ignore

/**
 * Calls `grown` whenever the log has more, from the place `last()` on, until the connection ends.
 * @throws CliError when the credential is refused, or over
 */
async function listen(server: Reached, last: () => number, grown: () => Promise<void>): Promise<void> {
  const headers = { ...headersOf(server), 'last-event-id': String(last()) };
  const res = await fetch(`${server.url}/events/stream`, { headers }).catch((e: unknown) => {
    throw unreachable(server, e);
  });
  if (!res.ok || !res.body) throw refusedWith(res.status, await res.text());
  const told: EventSourceMessage[] = [];
  const parser = createParser({ onEvent: (event) => void told.push(event) });
  const text = new TextDecoder();
  for await (const bytes of res.body) {
    parser.feed(text.decode(bytes as Uint8Array, { stream: true }));
    const events = told.splice(0);
    if (events.some(({ event }) => event === 'auth_expired'))
      throw new CliError('The key was revoked, or is over: set WHEELHOUSE_TOKEN to another.', exits.refused);
    if (events.some(({ event, id }) => id !== undefined || event === undefined)) await grown();
  }
}

/** The log, and with `follow` what is added to it, until the command is stopped. The rows are the audit log's; the stream says when. */
export async function logs(config: Config, options: LogOptions): Promise<void> {
  const server = await serverOf(config);
  const filters = filtersOf(options);
  const json = options.json ?? false;
  const newest = (await page(server, {}, 1, 0))[0]?.seq ?? 0;
  let last = options.after ?? newest;
  const catchUp = async (): Promise<void> => {
    for (const row of await rowsAfter(server, filters, last)) {
      tell(row, json);
      last = row.seq;
    }
  };
  if (options.after === undefined)
    for (const row of (await page(server, filters, Math.min(most, options.lines), 0)).reverse()) tell(row, json);
  else await catchUp();
  if (!options.follow) return;
  process.once('SIGINT', () => {
    process.stderr.write(`\nGo on from here: npx wheelhouse logs -f --after ${last}\n`);
    process.exit(exits.interrupted);
  });
  for (let wait = 500; ; wait = Math.min(wait * 2, 10_000)) {
    try {
      await listen(server, () => last, async () => {
        await catchUp();
        wait = 500;
      }); // prettier-ignore
    } catch (error) {
      // A server that restarts is waited for: what it wrote meanwhile is read when it is back.
      const cut = !(error instanceof CliError) || error.exit === exits.unreachable;
      if (!cut) throw error;
    }
    await pause(wait);
  }
}
