import { randomUUID } from 'node:crypto';
import { withCluster, type Cluster } from '../cluster/cluster';
import type { Held, Watch } from '../cluster/link';
import { caller, type Caller } from '../crash/caller';
import type { Options, Outcome } from '../proof';

/** Where the API may die with a repeatable request in its hands; a mark tells the request's own claim from others. */
interface Moment {
  link: 'api-postgres' | 'caller-api';
  watch: Omit<Watch, 'then'>;
}
const says =
  (sql: RegExp) =>
  ({ statements }: Held): boolean =>
    statements.some((s) => sql.test(s));

const moments: Record<string, Moment> = {
  'the key is claimed': {
    link: 'api-postgres',
    watch: { point: 'after-commit', when: says(/insert into idempotency_keys/) },
  },
  'it is done, its answer not kept': {
    link: 'api-postgres',
    watch: { point: 'before-commit', when: says(/set answer_sealed/) },
  },
  'the answer is kept': { link: 'api-postgres', watch: { point: 'after-commit', when: says(/set answer_sealed/) } },
  'the answer is on its way': { link: 'caller-api', watch: { point: 'before-ack' } },
};

/** An operation with a mark of its own, and what it left behind. */
interface Doing {
  path: string;
  body: object;
  token: string;
  /** Counts the effects of one key. */
  effects: string;
  values: unknown[];
  /** What may be said when it was done and its answer is lost, because it is said once only. */
  lost?: RegExp;
}

async function doings(c: Cluster, calls: Caller): Promise<Record<string, Doing>> {
  const mark = randomUUID();
  const post = async (path: string, body: object): Promise<Record<string, unknown>> =>
    (await calls.post(path, c.token, body)).body;
  const { id: ticket } = await post('/api/tickets', { title: 'retries', auto_assign: false });
  const change = { ticket_id: ticket, action: 'restart', target: mark };
  const { change_id: waiting } = await post('/api/changes/request', { ...change, target: `${mark} waiting` });
  const by = (path: string, body: object, effects: string, values: unknown[] = [mark], token = c.token): Doing => ({
    path, body, token, effects, values,
  }); // prettier-ignore
  return {
    createTicket: by('/api/tickets', { title: mark, auto_assign: false }, 'select from tickets where title = $1'),
    addNote: by(
      `/api/tickets/${String(ticket)}/notes`,
      { body: mark, author: 'dana', source: 'dashboard' },
      'select from ticket_notes where body = $1',
    ),
    createApiKey: {
      ...by('/api-keys', { name: mark }, 'select from api_keys where name = $1'),
      lost: /has made a key, whose secret is not shown again/,
    },
    requestChange: by('/api/changes/request', change, 'select from gates where target = $1'),
    approveChange: by(
      `/api/changes/${String(waiting)}/approve`,
      {},
      `select from log l join gates g on g.id::text = l.subject_id::text
       where l.kind = 'gate.approved' and g.target = $1 and g.status = 'approved'`,
      [`${mark} waiting`],
      c.approver,
    ),
  };
}

/** Every moment: the operations at once, each twice under one key; the API dies, comes back, and is asked until it answers. */
export function killed({ config, form, count, say }: Options): Promise<Outcome> {
  return withCluster({ config, form }, async (c) => {
    const calls = caller(c.apiUrls);
    const violations: string[] = [];
    const tally = { kills: 0, killedKeys: 0, killedRepeats: 0 };
    for (let round = 0; round < count; round += 1) {
      for (const [moment, { link, watch }] of Object.entries(moments)) {
        const all = Object.entries(await doings(c, calls));
        const { repeats } = calls;
        const dead = kill(c, link, watch);
        const answers = await Promise.all(
          all.map(async ([name, doing]) => {
            const key = randomUUID();
            const post = () => calls.post(doing.path, doing.token, doing.body, key);
            return { name, doing, both: await Promise.all([post(), post()]) };
          }),
        );
        await dead;
        tally.kills += 1;
        tally.killedKeys += all.length;
        tally.killedRepeats += calls.repeats - repeats;
        const owner = await c.owner();
        for (const { name, doing, both } of answers) {
          const wrong = (what: string): void => void violations.push(`${name}, killed when ${moment}: ${what}`);
          const [one, other] = both.map((a) => JSON.stringify(a.body).replace(/"request_id":"[^"]*"/, '')) as [
            string,
            string,
          ];
          if (both.some((a) => a.status >= 300) && !doing.lost?.test(one)) wrong(`answered ${both[0].status} ${one}`);
          if (one !== other) wrong(`one key, two answers: ${one} | ${other}`);
          const { rowCount } = await owner.query(doing.effects, doing.values);
          if (rowCount !== 1) wrong(`${rowCount} effects of one key`);
        }
      }
      say(`kills, round ${round + 1} of ${count}: ${violations.length} violations`);
    }
    return { figures: tally, violations };
  });
}

/** Kills the API when the link comes to the point, loses what was on the wire, and starts it again. */
function kill(c: Cluster, link: Moment['link'], watch: Omit<Watch, 'then'>): Promise<void> {
  const [api] = c.parts.apis;
  const wire = link === 'api-postgres' ? c.links.apiPostgres : c.links.callerApi[0];
  if (!api || !wire) throw new Error('the cluster has no API');
  return new Promise((resolve, reject) => {
    wire.onPoint({
      ...watch,
      then: async () => {
        await api.kill();
        api.start().then(resolve, reject);
        return 'drop';
      },
    });
  });
}
