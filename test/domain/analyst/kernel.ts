import { createHash } from 'node:crypto';
import { analyst } from '../../../domain/analyst/analyst';
import type { Brief, Move, Observation, Report } from '../../../domain/harness';
import * as project from '../../../domain/logs/project';
import { parseQuery, Search } from '../../../domain/logs/search';
import { analyse } from '../logs/analyse';

type Call = Extract<Move, { kind: 'call' }>;
type Result = Record<string, unknown>;

export const digestOf = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('hex');

export const brief = (over: Partial<Omit<Brief, 'ticket'>> & { ticket?: Partial<Brief['ticket']> } = {}): Brief => ({
  prompt: null,
  attachments: [],
  steering: [],
  access: [],
  slug: 'ticket-12-agent-3',
  ...over,
  ticket: {
    id: '0190a000-0000-7000-8000-000000000001',
    number: 12,
    title: 'Logins fail',
    description: 'Users of the bastion can not log in.',
    ticketClass: 'Incident',
    priority: 'P2',
    ...over.ticket,
  },
});

export const attachment = (id: string, filename: string): Brief['attachments'][number] => ({
  id,
  filename,
  sizeBytes: 1,
  stored: true,
});

export const note = (id: string, body: string, source = 'dashboard'): Brief['steering'][number] => ({
  id,
  author: 'Ada',
  source,
  body,
});

/** The answers of the tools, on lines in memory and the real mining. */
export function answers(
  files: Record<string, readonly string[]>,
  over: Record<string, (args: Result) => Result | null> = {},
) {
  const reports = new Map(Object.entries(files).map(([id, lines]) => [id, analyse(lines)]));
  return ({ tool, args }: Call): Result | null => {
    const own = over[tool];
    if (own !== undefined) return own(args);
    const id = String(args['attachment_id']);
    const report = reports.get(id);
    const search = (): Result => {
      const found = new Search(parseQuery(String(args['query'])), Number(args['limit']));
      for (const line of files[id] ?? []) found.add(line);
      return { ...project.searchResult(found) };
    };
    if (tool === 'knowledge.search') return { articles: [] };
    if (tool === 'blueprints.match') return { blueprints: [] };
    if (tool === 'tickets.related') return { tickets: [] };
    if (tool === 'tickets.note') return { note_id: 1 };
    if (tool === 'vault.check') return { allow: true, lease_id: 4, credential_ref: '<vault:x>' };
    if (tool === 'logs.search') return search();
    if (report === undefined) return null;
    if (tool === 'logs.profile') return { ...project.profileResult(report) };
    if (tool === 'logs.errors') return { ...project.errorsResult(report) };
    if (tool === 'logs.bursts') return { ...project.burstsResult(report) };
    if (tool === 'logs.sources') return { ...project.sourcesResult(report) };
    return { ...project.templatesResult(report, Number(args['limit'])) };
  };
}

export interface Played {
  calls: Call[];
  requests: Extract<Move, { kind: 'request_access' }>[];
  observations: Observation[];
  proposal: Extract<Move, { kind: 'propose' }>;
  report: Report;
}

/** Plays the kernel: records what the tools answer (null is a refusal) until the analyst proposes. */
export function play(
  at: Brief,
  answer: (call: Call) => Result | null,
  between: (at: Brief, step: number) => void = () => undefined,
): Played {
  const played: Pick<Played, 'calls' | 'requests' | 'observations'> = { calls: [], requests: [], observations: [] };
  for (let turn = 0; turn < 200; turn++) {
    const move = analyst.next(at, played.observations);
    if (move.kind === 'propose') return { ...played, proposal: move, report: move.args['report'] as Report };
    if (move.kind === 'finish') throw new Error(`finished without a proposal: ${move.summary}`);
    if (move.kind === 'request_access') {
      played.requests.push(move);
      at.access.push({ system: move.lease.system, status: 'pending_approval', credentialRef: null });
      continue;
    }
    if (move.kind !== 'call') throw new Error(`the analyst wants to ${move.kind}`);
    played.calls.push(move);
    const result = answer(move);
    const step = played.observations.length;
    const { tool, args } = move;
    played.observations.push({
      step,
      tool,
      args,
      decision: result === null ? 'deny' : 'allow',
      digest: result && digestOf(result),
      result,
    });
    between(at, step);
  }
  throw new Error('the analyst does not come to an end');
}
