import type { SignalReport } from '../../logs/types';
import { digests, hypothesis, nothing, rule, signal, strength } from '../assessment';
import type { Rule } from '../assessment';
import { between, counted, listed, listedValues, times } from '../words';

const DECISIVE = 0.55;
const SYMPTOM = 0.6;

interface Fault {
  signal: string;
  /** The hypothesis in few words. */
  name: string;
  /** What it does not prove, or what to look at next. */
  caution: string;
  /** Fewer events than this are a finding of the error list, no explanation. */
  least: number;
  /** Rare, and the cause of much else: a possible answer even among many other failures. */
  decisive?: true;
  /** A symptom of something else, however often it is seen. */
  symptom?: true;
}

/** Faults that speak for themselves: the line says what is wrong. */
const faults: readonly Fault[] = [
  {
    signal: 'resource.memory',
    name: 'Memory ran out',
    caution: 'The process that was killed need not be the one that used it.',
    least: 1,
    decisive: true,
  },
  {
    signal: 'resource.disk_full',
    name: 'A disk or quota is full',
    caution: 'Which writer filled it, the log does not say.',
    least: 1,
    decisive: true,
  },
  {
    signal: 'resource.disk_fault',
    name: 'A disk or file system is faulty',
    caution: 'The kernel log and the health data of the disk would confirm it.',
    least: 1,
    decisive: true,
  },
  {
    signal: 'resource.limit',
    name: 'A limit is exhausted (connections, files, quota)',
    caution: 'Whether the limit is too low or something leaks needs a look at its users.',
    least: 1,
    decisive: true,
  },
  {
    signal: 'net.refused',
    name: 'A dependency refuses connections',
    caution: 'It is down, not listening there, or its backlog is full.',
    least: 3,
  },
  {
    signal: 'net.timeout',
    name: 'A dependency does not answer in time',
    caution: 'Overload and a broken network look alike from here.',
    least: 3,
  },
  {
    signal: 'net.name',
    name: 'Names can not be resolved',
    caution: 'The name server and the name itself are the two suspects.',
    least: 2,
  },
  {
    signal: 'net.tls',
    name: 'TLS connections fail',
    caution: 'An expired certificate and an untrusted issuer need different repairs.',
    least: 1,
  },
  {
    signal: 'net.reset',
    name: 'Connections break',
    caution: 'The other side or something between the two closed them.',
    least: 10,
  },
  {
    signal: 'service.failed',
    name: 'A service fails to start or keeps failing',
    caution: 'Its own log tells why.',
    least: 1,
    decisive: true,
  },
  {
    signal: 'process.crash',
    name: 'A process ends abnormally',
    caution: 'The exit status alone does not tell why.',
    least: 2,
  },
  {
    signal: 'data.lock',
    name: 'Transactions block each other',
    caution: 'Which statements meet, the database tells.',
    least: 1,
  },
  {
    signal: 'access.permission',
    name: 'Permissions are missing',
    caution: 'A wrong owner after a deployment and a real attempt at access look alike.',
    least: 5,
  },
  {
    signal: 'file.missing',
    name: 'Files are missing',
    caution: 'Some programs look for files that need not exist.',
    least: 10,
  },
  {
    signal: 'exception',
    name: 'The program throws exceptions',
    caution: 'Counted by class, causes included.',
    least: 3,
    symptom: true,
  },
];

function about({ subjects, distinctSubjects }: SignalReport): string {
  const named = subjects.map(({ value, events }) => ({ value, count: events }));
  const details = subjects[0]?.details;
  const detail = details === undefined || details.top.length === 0 ? '' : `; with ${listedValues(details, 4)}`;
  return named.length === 0 ? '' : ` Named: ${listed(named, 4, distinctSubjects)}${detail}.`;
}

const faultRule = ({ signal: id, name, caution, least, decisive, symptom }: Fault): Rule =>
  rule(id, ['errors'], (file) => {
    const found = signal(file, id);
    if (!found || found.events < least) return nothing;
    const { failingEvents: failing } = file.errors.result;
    const statement = `${name}: ${times(found.events, found.lines)} in ${file.filename}${between(found.first, found.last)}.${about(found)} ${caution}`;
    const support = Number(found.subjects.length > 0) + Number(found.events >= 20);
    const confidence = strength({ explained: found.events, failing, events: found.events, support });
    const bounded = decisive ? Math.max(DECISIVE, confidence) : symptom ? Math.min(SYMPTOM, confidence) : confidence;
    return { ...nothing, claims: [hypothesis(statement, digests(file.errors), bounded)] };
  });

/** A service that starts again and again. */
const restarts = rule('restart-loop', ['errors', 'profile'], (file) => {
  const started = signal(file, 'service.start');
  const most = started?.subjects[0];
  const { spanSeconds } = file.profile.result;
  if (!started || !most || most.events < 5 || spanSeconds === null) return nothing;
  const perHour = most.events / Math.max(1 / 60, spanSeconds / 3600);
  const failed = signal(file, 'service.failed') ?? signal(file, 'process.crash');
  // Once a day is maintenance; without a failure beside it only a fast loop is telling.
  if (perHour < (failed === null ? 6 : 1)) return nothing;
  const statement =
    `Restart loop: ${most.value} started ${counted(most.events, 'time')}${between(started.first, started.last)}` +
    `${failed === null ? '' : `, beside ${failed.title} ${times(failed.events, failed.lines)}`}.`;
  const { failingEvents: failing } = file.errors.result;
  const confidence = strength({
    explained: failed?.events ?? 0,
    failing,
    events: most.events,
    support: Number(failed !== null),
  });
  return { ...nothing, claims: [hypothesis(statement, digests(file.errors, file.profile), confidence)] };
});

export const systemRules: readonly Rule[] = [...faults.map(faultRule), restarts];
