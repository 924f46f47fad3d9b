import type { Brief } from '../harness';
import { termsOf } from '../terms';
import { assess } from './assess';
import { type Asked, call } from './calls';
import type { Call } from './calls';
import { isLog } from './evidence';
import type { Evidence, FileEvidence } from './evidence';
import { queriesOf, searchCall, steeringCalls } from './steering';
import { namedSystems, stateOf } from './systems';

/** Of searches that the rules themselves would like to quote. */
const QUOTES_PER_FILE = 2;

/** What is worth knowing before the first line is read: has this been seen before? */
function earlier({ ticket: { number, title, description } }: Brief): Call[] {
  const query = termsOf(`${title} ${description}`, { limit: 8 }).join(' ');
  return [
    call('tickets.related', { ticket_id: number }, 'Earlier tickets like this one show what it turned out to be.'),
    ...(query === '' ? [] : [call('knowledge.search', { query }, 'Known articles may explain the symptoms.')]),
  ];
}

/** Asked when the errors are known: a blueprint is matched by them too. */
const blueprint = ({ ticket }: Brief): Call =>
  call('blueprints.match', { ticket_id: ticket.number }, 'A reviewed way to handle what was found may exist.');

function leases(brief: Brief): Call[] {
  return namedSystems(brief)
    .filter((system) => stateOf(system, brief)?.status === 'granted')
    .map(({ name, lease }) =>
      call(
        'vault.check',
        {
          system: lease.system,
          resource_type: lease.resourceType,
          resource_id: lease.resourceId,
          action: lease.action,
        },
        `Access to ${name} was granted: does the lease cover what is needed?`,
      ),
    );
}

const profileOf = (file: FileEvidence): Call =>
  call('logs.profile', { attachment_id: file.id }, `What kind of file ${file.filename} is.`);

function reading(file: FileEvidence): Call[] {
  const { id, filename } = file;
  return [
    call('logs.errors', { attachment_id: id }, `What fails in ${filename}.`),
    call('logs.bursts', { attachment_id: id }, `When it fails, and what is new shortly before.`),
    call('logs.sources', { attachment_id: id }, `Who is at the other end of ${filename}.`),
    call('logs.templates', { attachment_id: id, limit: 30 }, `Which kinds of lines ${filename} consists of.`),
  ];
}

/** Lines that the ticket itself points at, and lines that show what the leading explanations rest on. */
function quoting(brief: Brief, file: FileEvidence): Call[] {
  const { title, description } = brief.ticket;
  const pointed = queriesOf([title, description, brief.prompt ?? ''].join('\n'), false);
  return [
    ...pointed.map((query) => searchCall(file, query, 'The ticket points at it.')),
    ...assess(file)
      .searches.slice(0, QUOTES_PER_FILE)
      .map((query) => searchCall(file, query, `Lines of ${file.filename} that show it.`)),
  ];
}

/**
 * The next call of the plan that was not made yet; null when the evidence is gathered. The plan is derived anew after
 * every step: what people said since comes before what remains of it.
 */
export function nextCall(brief: Brief, evidence: Evidence, asked: Asked): Call | null {
  const logs = evidence.files.filter(isLog);
  const next = (calls: readonly Call[]): Call | null => calls.find((candidate) => !asked.has(candidate)) ?? null;
  return (
    next(earlier(brief)) ??
    next(leases(brief)) ??
    next(evidence.files.map(profileOf)) ??
    next(steeringCalls(brief, evidence)) ??
    next(logs.flatMap(reading)) ??
    next([blueprint(brief)]) ??
    next(logs.flatMap((file) => quoting(brief, file)))
  );
}
