import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { isRaw, type Operation } from '../api/operation';
import { operations } from '../api/registry';
import { surfaceOf } from '../api/surfaces';
import { withStack, type Stack } from '../bench/stack';
import { client } from '../cli/story';
import { provisionTenant } from '../log/provision';
import type { Options, Outcome, Proof } from './proof';

export const retries: Proof = {
  title: 'one Idempotency-Key has one effect, for one principal, route and body',
  quick: 1,
  run: (options) => withStack(options.config, (stack) => prove(options, stack), options.form),
};

/** Every POST that a credential may repeat with a key and that answers JSON, as it is declared. */
const posts = operations
  .map(({ name, op }) => ({ name, op, path: op.route.slice(op.route.indexOf(' ') + 1) }))
  .filter(
    ({ op }) =>
      op.route.startsWith('POST ') &&
      !['public', 'login', 'metrics'].includes(op.access) &&
      !op.upload &&
      !isRaw(op.output),
  );

type Schema = z.core.JSONSchema.BaseSchema;
function smallest(s: Schema): unknown {
  if (s.default !== undefined) return s.default;
  if (s.enum) return s.enum[0];
  const branch = (s.anyOf ?? s.oneOf ?? s.allOf)?.[0];
  if (branch) return smallest(branch);
  if (s.type === 'string') return s.format === 'uuid' ? randomUUID() : 'x'.repeat(Math.max(s.minLength ?? 1, 1));
  if (s.type === 'integer' || s.type === 'number') return Math.max(s.minimum ?? 1, 1);
  if (s.type === 'boolean') return true;
  if (s.type === 'array') return s.minItems ? [smallest((s.items ?? {}) as Schema)] : [];
  return Object.fromEntries((s.required ?? []).map((k) => [k, smallest((s.properties?.[k] ?? {}) as Schema)]));
}
const exampleOf = ({ body }: Operation): Record<string, unknown> =>
  body
    ? ((body.meta()?.['example'] ?? smallest(z.toJSONSchema(body, { io: 'input', unrepresentable: 'any' }))) as Record<
        string,
        unknown
      >)
    : {};

interface Answer {
  status: number;
  text: string;
  replayed: boolean;
}
async function post(url: string, token: string, key: string, body: object): Promise<Answer> {
  const res = await fetch(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'idempotency-key': key },
    body: JSON.stringify(body),
  });
  return { status: res.status, text: await res.text(), replayed: res.headers.get('idempotent-replayed') === 'true' };
}

async function prove({ count, say }: Options, { local, approver, owner, masterKey }: Stack): Promise<Outcome> {
  const stranger = await provisionTenant(local.database_url, {
    slug: `other-${randomUUID()}`, fourEyes: 'strict', operatorSignals: false, adminEmail: 'other@local.test',
    adminPassword: randomUUID(), masterKey: Buffer.from(masterKey, 'base64'), apiKey: null,
  }); // prettier-ignore
  const principals = [local.token, approver, stranger.apiKey];
  const ask = client(local);
  const violations: string[] = [];
  const tally = { requests: 0, replays: 0, running: 0, reached: 0, otherBody: 0 };
  for (let round = 0; round < count; round += 1) {
    const { id: ticket } = await ask<{ id: number }>('POST', '/api/tickets', { title: 'again', auto_assign: false });
    const { change_id: change } = await ask<{ change_id: number }>('POST', '/api/changes/request', {
      ticket_id: ticket,
      action: 'restart',
      target: 'web',
    });
    const key = randomUUID(); // one key for all routes, principals and tenants
    for (const { name, op, path } of posts) {
      const known: Record<string, string> = {
        ticket_id: String(ticket),
        change_id: String(change),
        tenant_id: local.tenant_id,
      };
      const url = local.url + path.replace(/:(\w+)/g, (_m, id: string) => known[id] ?? '1');
      const body = { ...exampleOf(op), ...(op.body && 'ticket_id' in exampleOf(op) && { ticket_id: ticket }) };
      // Everybody at once, each four times; then each once more, when all is done; then with another body.
      const first = await Promise.all(
        principals.map((token) => Promise.all([1, 2, 3, 4].map(() => post(url, token, key, body)))),
      );
      for (const [who, token] of principals.entries()) {
        const again = await post(url, token, key, body);
        const all = [...(first[who] ?? []), again];
        tally.requests += all.length;
        tally.replays += all.filter((a) => a.replayed).length;
        const done = all.filter((a) => a.status < 300);
        const waiting = all.filter((a) => a.status === 409 && a.text.includes('still running')).length;
        tally.running += waiting;
        if (all.some((a) => a.status >= 500 && a.status !== 503))
          violations.push(`${name}: answered ${all.map((a) => a.status).join()}`);
        if (!done.length) continue;
        tally.reached += 1;
        if (new Set(done.map((a) => a.text)).size > 1)
          violations.push(
            `${name}: one key, several answers: ${[...new Set(done.map((a) => a.text))].join(' | ').slice(0, 600)}`,
          );
        if (done.filter((a) => !a.replayed).length !== 1)
          violations.push(`${name}: ${done.filter((a) => !a.replayed).length} requests with one key were carried out`);
        if (!again.replayed)
          violations.push(
            `${name}: a repeat was not answered as the first: ${again.status} ${again.text.slice(0, 200)}`,
          );
        if (!op.body) continue;
        const other = await post(url, token, key, { ...body, reason: `another ${who}` });
        const expected = surfaceOf(path).statuses.KeyReused ?? 422;
        tally.otherBody += 1;
        if (other.status !== expected && other.status !== (surfaceOf(path).statuses.Invalid ?? 400))
          violations.push(`${name}: another body under the key: ${other.status} ${other.text.slice(0, 200)}`);
      }
    }
    // A replay of somebody else's answer would need a row that several share.
    const { rows } = await owner.query<{ n: number }>(
      `select count(*)::int as n from idempotency_keys where key = $1 and answer_sealed is null`,
      [key],
    );
    if (rows[0]?.n) violations.push(`${rows[0].n} requests are done and their key still says that they run`);
    say(`round ${round + 1} of ${count}: ${violations.length} violations`);
  }
  return { figures: { operations: posts.length, ...tally }, violations };
}
