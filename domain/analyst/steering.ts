import type { Brief, Report, Steering } from '../harness';
import { termsOf } from '../terms';
import { call } from './calls';
import type { Call } from './calls';
import type { Evidence, FileEvidence } from './evidence';
import { isLog, searchOf } from './evidence';
import { CONTROL_PLANE } from './systems';
import { counted, quoted } from './words';

/** Notes beyond this many are answered without a search of their own. */
const MAX_SEARCHED = 6;
const QUERIES = 2;
export const MATCHES = 5;

const ADDRESS = /\b(?:\d{1,3}\.){3}\d{1,3}\b|(?<![\w:])(?:[\da-f]{1,4}:){2,7}(?::|[\da-f]{1,4})[\da-f:]*/gi;
const QUOTED = /"([^"\n]{2,80})"|“([^”\n]{2,80})”|`([^`\n]{2,80})`|'([^'\n]{3,80})'(?!\w)/g;
const FILE =
  /(?:\/[\w.-]+){2,}|\b[\w-]+\.(?:log|conf|cfg|ini|properties|ya?ml|json|php|jar|war|so|sh|py|js|ts|service)\b/gi;
/** What people say when they ask for a look at something, as against what they want looked at. */
const ASKING = new Set(
  (
    'access add address addresses again anything attached attachment attempt attempts check count details error errors ' +
    'evidence exclude explain failed find focus give ignore include investigate know line lines list log logs look mention ' +
    'need number only particular pay attention possible query search see show source sources special specifically tell thanks ' +
    'time times whether word words'
  ).split(' '),
);

/** What a text asks to look for: quoted phrases first, then addresses, then files, then the words that remain. */
export function queriesOf(text: string, words = true): string[] {
  const phrases = [...text.matchAll(QUOTED)].map((p) => p[1] ?? p[2] ?? p[3] ?? p[4] ?? '');
  const marked = [
    ...phrases.map((phrase) => `"${phrase.trim()}"`),
    ...(text.match(ADDRESS) ?? []),
    ...(text.match(FILE) ?? []),
  ];
  const plain = words && marked.length === 0 ? termsOf(text, { min: 3 }).filter((term) => !ASKING.has(term)) : [];
  return [...new Set([...marked, ...plain])].slice(0, QUERIES);
}

/** The files that a note means: those that it names, else all that were read. */
function meant(body: string, files: readonly FileEvidence[]): FileEvidence[] {
  const logs = files.filter(isLog);
  const named = logs.filter(({ filename }) => body.toLowerCase().includes(filename.toLowerCase()));
  return named.length > 0 ? named : logs;
}

interface Question {
  event: Steering;
  queries: string[];
  files: FileEvidence[];
}

function questionOf(event: Steering, index: number, evidence: Evidence): Question {
  const files = meant(event.body, evidence.files);
  const names = new Set(files.map(({ filename }) => filename.toLowerCase()));
  const asks = index < MAX_SEARCHED && !CONTROL_PLANE.has(event.source);
  const queries = asks ? queriesOf(event.body).filter((query) => !names.has(query.toLowerCase())) : [];
  return { event, queries, files };
}

/** The searches that the notes of people call for. */
export function steeringCalls(brief: Brief, evidence: Evidence): Call[] {
  return brief.steering.flatMap((event, index) => {
    const { queries, files } = questionOf(event, index, evidence);
    return files.flatMap((file) =>
      queries.map((query) => searchCall(file, query, `${event.author} asks for it: ${quoted(event.body, 120)}.`)),
    );
  });
}

export function searchCall(file: FileEvidence, query: string, why: string): Call {
  return call('logs.search', { attachment_id: file.id, query, limit: MATCHES }, why);
}

/** Each note of a person gets an answer, with the searches that it rests on. */
export function answers(brief: Brief, evidence: Evidence): Report['steering'] {
  return brief.steering.map((event, index) => {
    const { queries, files } = questionOf(event, index, evidence);
    const found = files.flatMap((file) =>
      queries.flatMap((query) => {
        const search = searchOf(file, query);
        return search === null ? [] : [{ text: answerOf(file, query, search.result), digest: search.digest }];
      }),
    );
    const { id, author, body } = event;
    if (found.length > 0) {
      return {
        id,
        author,
        body,
        answer: found.map(({ text }) => text).join(' '),
        cites: found.map(({ digest }) => digest),
      };
    }
    return { id, author, body, answer: withoutSearch(event, queries, files, index), cites: [] };
  });
}

function answerOf(
  file: FileEvidence,
  query: string,
  { total, matches }: { total: number; matches: { line: number; text: string }[] },
): string {
  const what = query.startsWith('"') ? `“${query.slice(1, -1)}”` : `“${query}”`;
  const first = matches[0];
  if (first === undefined) return `No line of ${file.filename} holds ${what}.`;
  const counts = (file.sources?.result.addresses ?? []).find(({ value }) => value === query);
  const failing = counts === undefined ? '' : ` ${counts.failingEvents} of the events with it speak of failure.`;
  return `${counted(total, 'line')} of ${file.filename} ${total === 1 ? 'holds' : 'hold'} ${what}, first line ${first.line}: ${quoted(first.text)}.${failing}`;
}

function withoutSearch(
  event: Steering,
  queries: readonly string[],
  files: readonly FileEvidence[],
  index: number,
): string {
  if (CONTROL_PLANE.has(event.source)) return 'Noted; the report says how it stands.';
  if (index >= MAX_SEARCHED) return `Noted without a search: the first ${MAX_SEARCHED} notes were searched for.`;
  if (queries.length === 0)
    return 'Noted. It names nothing to search the evidence for: a quoted phrase, an address or a file would.';
  return files.length === 0
    ? 'There is no readable log in which this could be looked for.'
    : 'The search for this was not carried out; see the limits.';
}
