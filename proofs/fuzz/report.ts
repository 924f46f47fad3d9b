import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';

interface Failure {
  name: string;
  status: string;
  failure_info?: { failure: { operation: string; title: string; message: string } };
}
interface Encoded {
  $base64: string;
}
interface Interaction {
  request: { method: string; uri: string; body: Encoded | null };
  response: { status_code: number; headers: Record<string, string[]>; content: Encoded | null } | null;
}
interface Event {
  ScenarioFinished?: {
    recorder: {
      label: string;
      checks?: Record<string, Failure[]>;
      interactions?: Record<string, Interaction>;
    };
  };
  NonFatalError?: { label: string; value?: { message?: string } };
}

/** What a run of schemathesis came to, read from its events. */
export interface Told {
  cases: number;
  /** Answers by their first digit. */
  statuses: Map<string, number>;
  /** Operations, as `GET /a/{id}`, that answered 2xx to something. */
  reached: Set<string>;
  /** What did not hold, each with the first call that showed it. */
  failures: { operation: string; check: string; says: string; status: number }[];
  /** Answers of 503 that say when to come again. */
  later: number;
}

const text = (body: Encoded | null | undefined): string =>
  Buffer.from(body?.$base64 ?? '', 'base64')
    .toString()
    .slice(0, 300);

/** Reads a report (ndjson) into `told`. */
export async function read(file: string, told: Told): Promise<void> {
  const seen = new Set(told.failures.map((f) => `${f.operation} ${f.check}`));
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
    const { ScenarioFinished, NonFatalError } = JSON.parse(line) as Event;
    if (NonFatalError) {
      const says = JSON.stringify(NonFatalError).slice(0, 600);
      told.failures.push({ operation: NonFatalError.label, check: 'error', says, status: 0 });
    }
    if (!ScenarioFinished) continue;
    const { label, checks = {}, interactions = {} } = ScenarioFinished.recorder;
    for (const [id, { request, response }] of Object.entries(interactions)) {
      const status = response?.status_code ?? 0;
      const digit = `${String(status)[0]}xx`;
      told.cases += 1;
      told.statuses.set(digit, (told.statuses.get(digit) ?? 0) + 1);
      if (digit === '2xx' && label.startsWith(`${request.method} `)) told.reached.add(label);
      const comesAgain = status === 503 && response?.headers['retry-after'] !== undefined;
      if (comesAgain) told.later += 1;
      for (const { name, failure_info: info } of (checks[id] ?? []).filter((c) => c.status === 'failure')) {
        if (comesAgain && name === 'not_a_server_error') continue;
        const operation = info?.failure.operation ?? label;
        if (seen.has(`${operation} ${name}`)) continue;
        seen.add(`${operation} ${name}`);
        const call = `${request.method} ${decodeURI(request.uri).slice(0, 300)} ${text(request.body)}`;
        const answer = `${status} ${text(response?.content)}`;
        const message = info?.failure.message.split('\n').filter(Boolean).slice(0, 3).join(' ') ?? '';
        told.failures.push({ operation, check: name, says: `${message} | ${call} | ${answer}`, status });
      }
    }
  }
}
