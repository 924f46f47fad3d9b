import type { SignalReport, Subject } from '../../logs/types';
import { addressesOf, digests, finding, hypothesis, nothing, rule, signal, strength } from '../assessment';
import type { Having, Rule } from '../assessment';
import { between, counted, listed, listedValues, percent, times } from '../words';

const ROWS = 25;

const stated = ({ value, events, lines, details }: Subject): string =>
  `${value} was logged in an error state ${times(events, lines)}${details.top.length === 0 ? '' : `: ${listedValues(details, 8, 'state ')}`}`;

/** A worker or child process that its parent finds in an error state, again and again. */
const worker = rule('failing-worker', ['errors'], (file) => {
  const states = signal(file, 'worker.error_state');
  const worst = states?.subjects[0];
  if (!states || !worst) return nothing;
  const { failingEvents: failing } = file.errors.result;
  const start = signal(file, 'worker.init_failed');
  const cites = digests(file.errors);
  const explained = states.events + (start?.events ?? 0);
  const support = Number(start !== null) + Number(states.events >= 20);
  const others = states.distinctSubjects > 1 ? ` ${states.distinctSubjects - 1} other workers are named as well.` : '';
  const corroborated = start === null ? '' : ` ${alsoStart(start)}`;
  const statement =
    `Failing worker: ${stated(worst)}${between(states.first, states.last)}. That is ${percent(worst.events / Math.max(1, failing))} of all ` +
    `failing events of ${file.filename}.${others}${corroborated} Why it fails, the log does not say.`;
  const claims = [hypothesis(statement, cites, strength({ explained, failing, events: states.events, support }))];
  for (const subject of states.subjects.slice(0, 5)) claims.push(finding(`${stated(subject)}.`, digests(file.errors)));
  return { claims, tables: [stateTable(file, states)], searches: [`"${worst.value}"`] };
});

function alsoStart({ subjects, events }: SignalReport): string {
  const what = subjects.map(({ value, events: count }) => ({ value, count }));
  return `Starting or finding child processes failed ${counted(events, 'time')} too: ${listed(what, 3)}.`;
}

function stateTable(file: Having<'errors'>, { subjects }: SignalReport) {
  const rows = subjects.flatMap(({ value, events, details }) =>
    details.top.length === 0 ? [[value, '–', events]] : details.top.map((state) => [value, state.value, state.count]),
  );
  return {
    title: `Workers and their error states, ${file.filename}`,
    columns: ['Worker', 'Error state', 'Times'],
    rows: rows.slice(0, ROWS),
    cites: digests(file.errors),
  };
}

/** What the server does not give, whatever it calls it. */
const REFUSALS = [
  { id: 'access.forbidden', noun: 'request that the server forbids', many: 'requests that the server forbids' },
  { id: 'http.refused', noun: 'request answered 401 or 403', many: 'requests answered 401 or 403' },
  { id: 'http.not_found', noun: 'request answered 404', many: 'requests answered 404' },
];

/** Requests for what the server does not give: one client that tries much, or many that try a little. */
const probing = REFUSALS.map(({ id, noun, many }) =>
  rule(`probing:${id}`, ['errors', 'sources'], (file) => {
    const total = signal(file, id);
    if (!total) return nothing;
    const clients = file.sources.result.addresses
      .flatMap(({ value, scope, categories }) => {
        const count = categories.find((category) => category.id === id)?.events ?? 0;
        return count > 0 ? [{ value, scope, count }] : [];
      })
      .sort((a, b) => b.count - a.count);
    const from = Math.max(clients.length, addressesOf(file, id));
    const cites = digests(file.errors, file.sources);
    const about = total.subjects.map(({ value, events }) => ({ value, count: events }));
    const what = about.length === 0 ? '' : `, for ${listed(about, 3, total.distinctSubjects)}`;
    const requests = counted(total.events, noun, many);
    const addresses = counted(from, 'address', 'addresses');
    const claims = [
      finding(`${file.filename}: ${requests}${between(total.first, total.last)}${what}, from ${addresses}.`, cites),
    ];
    const top = clients[0];
    // What the own network asks for is a configuration to look at, no probing.
    if (total.events >= 10 && top !== undefined && top.scope === 'public') {
      const one = top.count >= 20 && top.count >= total.events / 2;
      const statement = one
        ? `Probing by one client: ${top.value} caused ${top.count} of ${requests}.`
        : `Scattered probing: ${requests} from ${addresses}, at most ${top.count} from one (${top.value}). Crawlers and scanners of the whole internet look like this.`;
      const { failingEvents: failing } = file.errors.result;
      const explained = total.failing ? total.events : 0;
      claims.push(
        hypothesis(statement, cites, strength({ explained, failing, events: total.events, support: Number(one) })),
      );
    }
    const shown = clients.slice(0, ROWS);
    const title = `Clients: ${many}, ${file.filename}${from > shown.length ? ` (${shown.length} of ${from})` : ''}`;
    const rows = shown.map(({ value, count }) => [value, count]);
    return {
      claims,
      tables: [{ title, columns: ['Client', 'Times'], rows, cites: digests(file.sources) }],
      searches: [],
    };
  }),
);

const serverErrors = rule('http-server-errors', ['errors', 'profile'], (file) => {
  const total = signal(file, 'http.server_error');
  if (!total || total.events < 3) return nothing;
  const { failingEvents: failing } = file.errors.result;
  const where = total.subjects.map(({ value, events }) => ({ value, count: events }));
  const statement =
    `The service fails on requests: ${total.title} ${times(total.events, total.lines)}${between(total.first, total.last)}, ` +
    `${percent(total.events / Math.max(1, file.profile.result.events))} of all events. Most often: ${listed(where, 4, total.distinctSubjects)}.`;
  const confidence = strength({
    explained: total.events,
    failing,
    events: total.events,
    support: Number(total.distinctSubjects === 1),
  });
  return { claims: [hypothesis(statement, digests(file.errors, file.profile), confidence)], tables: [], searches: [] };
});

export const webRules: readonly Rule[] = [worker, ...probing, serverErrors];
