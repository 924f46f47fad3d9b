import { Context } from '@temporalio/activity';
import { v5, v7 } from 'uuid';
import { keepCheck, listTools, serverById, type Check } from '../../db/tools';
import { system } from '../../domain/principal';
import { isPart, placesOf } from '../../domain/parts';
import type { Checked, ListedTool } from '../../domain/tool-server';
import type { ToolRow } from '../../domain/tool-server.schema';
import { plainly } from '../../pipeline/mcp/connections';
import { listingOf } from '../../pipeline/mcp/listing';
import { endpointOf, keepListed, keyOf } from '../../pipeline/mcp/served';
import type { Deps } from '../deps';
import { heartbeating } from '../heartbeating';
import { asking, Degraded, type Ask } from './parts';

/** Which tools to look at: of one tenant or all, one or all. `asked` is the same for a repeat; null: a Schedule asks. */
export interface ToolLook {
  tenantId: string | null;
  toolId: string | null;
  asked: string | null;
}
export interface ToolLooked {
  toolId: string;
  number: number;
  name: string;
  status: Check['status'];
  responseTimeMs: number | null;
  error: string | null;
}

/** Looks at a time: each may wait for its time-out. */
const atOnce = 20;
/** Who takes longer answers, but not as it should. */
const slowMs = 1_000;

async function inParallel<T>(items: readonly T[], most: number, work: (item: T) => Promise<void>): Promise<void> {
  const left = items[Symbol.iterator]();
  const worker = async (): Promise<void> => {
    for (const item of left) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, worker));
}

/** What is wrong with some of a server's tools; null when nothing is. */
function problemOf(listed: readonly ListedTool[]): string | null {
  const broken = listed.filter((t) => t.problem !== null);
  const [first] = broken;
  return first
    ? plainly(`${broken.length} of ${listed.length} tools cannot be called: ${first.name}: ${first.problem ?? ''}`)
    : null;
}

export const toolCheckActivities = (deps: Deps) => {
  const { store, tools, settings } = deps;
  const timeoutMs = settings.tools.checkTimeoutMs;
  const parts = asking(deps);

  /** Asks and measures. What comes of it is an answer, whatever it is. */
  async function measured(ask: Ask, cancelled: AbortSignal): Promise<Checked> {
    const late = new AbortController();
    const signal = AbortSignal.any([cancelled, late.signal]);
    let timer: NodeJS.Timeout | undefined;
    const within = (ms: number, what: string): void => {
      clearTimeout(timer);
      timer = setTimeout(() => late.abort(new Error(`${what} within ${ms} ms`)), ms);
    };
    const from = performance.now();
    const passed = (): number => Math.round((performance.now() - from) * 10) / 10;
    const tooLate = new Promise<never>((_resolve, reject) => {
      late.signal.addEventListener('abort', () => reject(late.signal.reason as Error), { once: true });
    });
    tooLate.catch(() => undefined); // also when the answer came first
    within(timeoutMs, 'no answer');
    // A program that is begun for it has a time of its own for that, and is asked when it stands.
    const pace = {
      begins: () => within(settings.tools.startTimeoutMs, 'was not ready'),
      answers: () => within(timeoutMs, 'no answer'),
    };
    try {
      const ms = (await Promise.race([ask(signal, pace), tooLate])) ?? passed();
      return ms > slowMs
        ? { status: 'degraded', responseTimeMs: ms, error: `it took ${Math.round(ms)} ms` }
        : { status: 'healthy', responseTimeMs: ms, error: null };
    } catch (e) {
      cancelled.throwIfAborted();
      const error = late.signal.aborted
        ? (late.signal.reason as Error).message
        : plainly(e instanceof Error ? causeOf(e) : String(e));
      return e instanceof Degraded
        ? { status: 'degraded', responseTimeMs: passed(), error }
        : { status: 'down', responseTimeMs: null, error };
    } finally {
      clearTimeout(timer);
    }
  }

  /** Asks a server for its tools, and takes them over. */
  const askServer =
    (tenantId: string, id: string): Ask =>
    async (signal, pace) => {
      const server = await store.read(tenantId, (tx) => serverById(tx, id));
      if (!server) throw new Error('it was deleted meanwhile');
      const use = { key: keyOf(server), endpoint: () => endpointOf(tools, server), signal, passing: true };
      let ms = 0;
      if (server.row.settings.transport.kind === 'stdio') pace.begins();
      const listed = await tools.connections.use(use, async (client) => {
        pace.answers();
        const from = performance.now();
        const all = await listingOf(client, { timeout: timeoutMs, signal });
        ms = Math.round((performance.now() - from) * 10) / 10;
        return all;
      });
      await store.write(tenantId, (tx) => keepListed(tx, id, listed));
      const problem = problemOf(listed);
      if (problem !== null) throw new Degraded(problem);
      return ms;
    };

  const keep = (tenantId: string, tool: ToolRow, asked: string | null, checked: Checked): Promise<ToolLooked> =>
    store.write(tenantId, async (tx) => {
      const { check, before } = await keepCheck(tx, asked === null ? v7() : v5(asked, tool.id), tool.id, checked);
      const { status, responseTimeMs, error } = check;
      // That it is well when it is first looked at is no news.
      if (before !== null && before !== status && !(before === 'unknown' && status === 'healthy'))
        tx.log({
          kind: 'tool.status_changed',
          actor: system,
          subject: { kind: 'tool', id: tool.id },
          transition: `check:${check.id}`,
          reason: error,
          body: { tool_id: tool.number, tool_name: tool.name, status, before },
        });
      return { toolId: tool.id, number: tool.number, name: tool.name, status, responseTimeMs, error };
    });

  return {
    /** Looks at tools, many at a time, and writes down what each look came to. */
    lookAtTools: (look: ToolLook): Promise<ToolLooked[]> =>
      heartbeating(async (signal) => {
        const tenants = look.tenantId === null ? await store.tenants() : [look.tenantId];
        /** Of the installation, not of a tenant: asked once for all of them. */
        const shared = new Map<string, Promise<Checked>>();
        const todo: { tenantId: string; tool: ToolRow }[] = [];
        for (const tenantId of tenants) {
          const { rows, slug } = await store.read(tenantId, async (tx) => ({
            rows: await listTools(tx),
            slug: (await tx.query<{ slug: string }>('select slug from tenants where id = $1', [tenantId])).rows[0]
              ?.slug,
          }));
          const places = placesOf(settings, slug ?? '');
          for (const tool of rows) {
            const here = tool.type === 'mcp' ? tool.enabled : isPart(tool.name) && places.has(tool.name);
            if (here && (look.toolId === null || look.toolId === tool.id)) todo.push({ tenantId, tool });
          }
        }
        const looked: ToolLooked[] = [];
        await inParallel(todo, atOnce, async ({ tenantId, tool }) => {
          const part = isPart(tool.name) && tool.type !== 'mcp' ? parts[tool.name] : undefined;
          const ask = tool.type === 'mcp' ? askServer(tenantId, tool.id) : part;
          if (!ask) return;
          const once = tool.type === 'mcp' ? measured(ask, signal) : (shared.get(tool.name) ?? measured(ask, signal));
          if (tool.type !== 'mcp') shared.set(tool.name, once);
          looked.push(await keep(tenantId, tool, look.asked, await once));
        });
        Context.current().heartbeat();
        return look.tenantId === null ? [] : looked.sort((a, b) => a.number - b.number);
      }),
  };
};

/** `fetch failed` says nothing; what failed does. */
const causeOf = (e: Error): string => (e.cause instanceof Error ? `${e.message}: ${e.cause.message}` : e.message);
