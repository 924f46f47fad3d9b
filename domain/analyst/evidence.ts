import type { Brief, Observation } from '../harness';
import type * as Logs from '../logs/types';
import { carriedOut } from './calls';

/** At most so many attachments are read; the report names the others. */
export const MAX_FILES = 3;

/** What a tool answered, with the digest under which it is recorded. */
export interface Cited<Result> {
  result: Result;
  digest: string;
}

export interface FileEvidence {
  id: string;
  filename: string;
  profile: Cited<Logs.ProfileResult> | null;
  errors: Cited<Logs.ErrorsResult> | null;
  bursts: Cited<Logs.BurstsResult> | null;
  sources: Cited<Logs.SourcesResult> | null;
  templates: Cited<Logs.TemplatesResult> | null;
  searches: Cited<Logs.SearchResult>[];
}

export interface Related {
  id: number;
  title: string;
  score: number;
  /** Why a blueprint matches, what an article says, how a ticket stands. */
  note: string;
}

export interface Blueprint extends Related {
  status: string;
  version: number;
  workflowKey: string;
}

export interface VaultCheck {
  system: string;
  allow: boolean;
  leaseId: string | null;
}

export interface Evidence {
  files: FileEvidence[];
  blueprints: Cited<Blueprint[]> | null;
  articles: Cited<Related[]> | null;
  tickets: Cited<Related[]> | null;
  vault: Cited<VaultCheck>[];
  refused: Observation[];
}

type Json = Record<string, unknown>;
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';
const numberOf = (value: unknown): number => (typeof value === 'number' && Number.isFinite(value) ? value : 0);

/** The recorded answers, by what they are about. An answer of another form than its tool promises counts for nothing. */
export function gather(brief: Brief, observations: readonly Observation[]): Evidence {
  const answers = observations.filter((observation) => carriedOut(observation) && isObject(observation.result));
  const latest = (tool: string): Observation | null =>
    answers.findLast((observation) => observation.tool === tool) ?? null;
  return {
    files: readable(brief).map(({ id, filename }) => fileOf(id, filename, answers)),
    blueprints: listOf(latest('blueprints.match'), 'blueprints', (item) => ({
      ...relatedOf(item, item['name'], item['why']),
      status: textOf(item['status']),
      version: numberOf(item['version']),
      workflowKey: textOf(item['workflow_key']),
    })),
    articles: listOf(latest('knowledge.search'), 'articles', (item) => relatedOf(item, item['title'], item['snippet'])),
    tickets: listOf(latest('tickets.related'), 'tickets', (item) => relatedOf(item, item['title'], item['status'])),
    vault: answers.filter(({ tool }) => tool === 'vault.check').map(vaultOf),
    refused: observations.filter((observation) => !carriedOut(observation)),
  };
}

/** The attachments that are read: those whose content is here, the first few of them. */
export function readable(brief: Brief): Brief['attachments'] {
  return brief.attachments.filter(({ stored }) => stored).slice(0, MAX_FILES);
}

/** Whether there is anything to analyse: records, and more of them than lines that are no text. */
export function isLog({ profile }: FileEvidence): boolean {
  return profile !== null && profile.result.records > profile.result.unreadableLines;
}

function fileOf(id: string, filename: string, answers: readonly Observation[]): FileEvidence {
  const own = answers.filter(({ args }) => args['attachment_id'] === id);
  const named = <Result extends { kind: string }>(kind: Result['kind']): Cited<Result>[] =>
    own.flatMap(({ tool, result, digest }) =>
      tool === kind && isObject(result) && result['kind'] === kind && digest !== null
        ? [{ result: result as unknown as Result, digest }]
        : [],
    );
  const last = <Result extends { kind: string }>(kind: Result['kind']): Cited<Result> | null =>
    named<Result>(kind).at(-1) ?? null;
  return {
    id,
    filename,
    profile: last<Logs.ProfileResult>('logs.profile'),
    errors: last<Logs.ErrorsResult>('logs.errors'),
    bursts: last<Logs.BurstsResult>('logs.bursts'),
    sources: last<Logs.SourcesResult>('logs.sources'),
    templates: last<Logs.TemplatesResult>('logs.templates'),
    searches: named<Logs.SearchResult>('logs.search'),
  };
}

function listOf<Item>(observation: Observation | null, key: string, item: (value: Json) => Item): Cited<Item[]> | null {
  const list = isObject(observation?.result) ? observation.result[key] : null;
  if (!observation?.digest || !Array.isArray(list)) return null;
  return { result: list.filter(isObject).map(item), digest: observation.digest };
}

function relatedOf(item: Json, title: unknown, note: unknown): Related {
  return { id: numberOf(item['id']), title: textOf(title), score: numberOf(item['score']), note: textOf(note) };
}

function vaultOf({ result, args, digest }: Observation): Cited<VaultCheck> {
  const answer = isObject(result) ? result : {};
  const leaseId = textOf(answer['lease_id']) || null;
  return { result: { system: textOf(args['system']), allow: answer['allow'] === true, leaseId }, digest: digest ?? '' };
}

/** What was answered to exactly this search of this file. */
export function searchOf(file: FileEvidence, query: string): Cited<Logs.SearchResult> | null {
  return file.searches.find(({ result }) => result.query === query) ?? null;
}
