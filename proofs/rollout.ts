import { setTimeout as pause } from 'node:timers/promises';
import { Rollout } from '../cli/rollout';
import { client, demoLog } from '../cli/story';
import { workflowId, type Kind } from '../workflows/ids';
import { withFleet, type Fleet } from './fleet';
import type { Outcome, Proof } from './proof';

const deployment = 'wheelhouse';
const namespace = 'default';
const patienceMs = 60_000;
/** temporal.api.enums.v1.WorkflowExecutionStatus */
const COMPLETED = 2;

interface Entity {
  kind: Kind;
  id: string;
}
interface Change {
  id: number;
  status: string;
  action: string;
}

/** The first answer that is not null. @throws Error naming what was waited for, and the last trouble with it */
async function when<T>(what: string, look: () => Promise<T | null>): Promise<T> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    let trouble: unknown = 'it did not come';
    const seen = await look().catch((e: unknown) => {
      trouble = e;
      return null;
    });
    if (seen !== null) return seen;
    if (Date.now() > deadline) throw new Error(`waited ${patienceMs / 1000} s for ${what}`, { cause: trouble });
    await pause(100);
  }
}

/** Agents at work, as people start and decide them through one API. */
function office(fleet: Fleet, url: string) {
  const ask = client({ url, token: fleet.token });
  const decide = client({ url, token: fleet.approver });
  const all = async (from: string, column: string, values: number[]) => {
    const found = await fleet.owner.query<{ id: string }>(
      `select id from ${from} where ${column} = any($1) order by number`,
      [values],
    );
    return found.rows.map(({ id }) => id);
  };
  return {
    /** Answers the number of a run that waits for people, and of the change that it waits for. */
    begin: async (n: number): Promise<{ agent: number; change: number }> => {
      const { id: ticket } = await ask<{ id: number }>('POST', '/api/tickets', {
        title: `Failed logins, case ${n}`,
        auto_assign: false,
      });
      const form = new FormData();
      form.set('file', new Blob([demoLog()], { type: 'text/plain' }), 'auth.log');
      await ask('POST', `/api/tickets/${ticket}/attachments`, form);
      const { agent_id: agent } = await ask<{ agent_id: number }>('POST', `/api/tickets/${ticket}/assign-agent`, {});
      const change = await when(`agent ${agent} to wait for people`, async () => {
        const { changes } = await ask<{ changes: Change[] }>('GET', `/api/changes?agent_id=${agent}`);
        return changes.find(({ status }) => status === 'pending') ?? null;
      });
      return { agent, change: change.id };
    },
    request: async (n: number): Promise<number> => {
      const { id } = await ask<{ id: number }>('POST', '/api/tickets', { title: `A change, ${n}`, auto_assign: false });
      const wanted = { ticket_id: id, action: 'restart', target: `web-${n}` };
      return (await ask<{ change_id: number }>('POST', '/api/changes/request', wanted)).change_id;
    },
    approve: (change: number) => decide('POST', `/api/changes/${change}/approve`, {}),
    complete: (change: number) => decide('POST', `/api/changes/${change}/complete`, { result: 'done' }),
    ended: (agent: number) =>
      when(`agent ${agent} to end`, async () => {
        const { status } = await ask<{ status: string }>('GET', `/api/agents/${agent}`);
        return ['finished', 'failed', 'stopped', 'terminated'].includes(status) ? status : null;
      }),
    runs: async (agents: number[]) =>
      (await all('runs', 'number', agents)).map((id): Entity => ({ kind: 'agentRun', id })),
    gates: async (changes: number[]) =>
      (await all('gates', 'number', changes)).map((id): Entity => ({ kind: 'approvalGate', id })),
  };
}

/** That each of them ended well, on that version. */
async function endedOn(fleet: Fleet, buildId: string, entities: Entity[]): Promise<string[]> {
  const found = await Promise.all(
    entities.map(async ({ kind, id }) => {
      const execution = { workflowId: workflowId(kind, fleet.tenantId, id) };
      // It answers its last Update before it is closed.
      const info = await when(`${kind} ${id} to be closed`, async () => {
        const seen = await fleet.connection.workflowService.describeWorkflowExecution({ namespace, execution });
        return seen.workflowExecutionInfo?.closeTime ? seen.workflowExecutionInfo : null;
      });
      const { versioningInfo: v } = info;
      const on = v?.versioningOverride?.pinned?.version?.buildId ?? v?.deploymentVersion?.buildId ?? 'no version';
      return Number(info.status) === COMPLETED && on === buildId
        ? []
        : [`${kind} ${id}: status ${info.status} on ${on}, not completed on ${buildId}`];
    }),
  );
  return found.flat();
}

/** Two workers of version a with runs and gates in flight, then one of b; a is drained and stopped. */
export const rollout: Proof = {
  title: 'workers roll to a new version with runs in flight: pinned, drained, none lost',
  quick: 2,
  waits: true,
  run: (options) =>
    withFleet(options, async (fleet): Promise<Outcome> => {
      const { count, say } = options;
      const versions = new Rollout(fleet.connection, fleet.temporal.workflow, namespace, deployment);
      const worker = (buildId: string) =>
        fleet.worker({ WORKER_DEPLOYMENT: deployment, WORKER_BUILD_ID: buildId, GATE_TTL_SECONDS: '3600' });
      const promote = (buildId: string) =>
        when(`${buildId} to be promoted`, async () => (await versions.promote(buildId), true));
      const [{ url }, ...old] = await Promise.all([fleet.api(), worker('a'), worker('a')]);
      await promote('a');
      const at = office(fleet, url);
      const many = <T>(n: number, work: (n: number) => Promise<T>): Promise<T[]> =>
        Promise.all(Array.from({ length: n }, (_, i) => work(i)));
      const before = await many(count, at.begin);
      const open = await many(count, at.request);
      const kept = await at.request(count);
      say(`${count} runs and ${count + 1} changes wait for people on a`);

      await worker('b');
      await promote('b');
      // Taken back: what begins now is of a, until b is promoted again.
      const back = await versions.rollback();
      const returned = await many(1, () => at.request(count + 1));
      await promote('b');
      const promoted = performance.now();
      const after = await many(Math.ceil(count / 2), (n) => at.begin(count + n));
      open.push(...returned);
      await Promise.all([...before.map((r) => r.change), ...open].map(at.approve));
      await Promise.all(open.map(at.complete));
      const ends = await Promise.all(before.map((r) => at.ended(r.agent)));
      const changesOf = (runs: { change: number }[]): number[] => runs.map((r) => r.change);
      const onA = [
        ...(await at.runs(before.map((r) => r.agent))),
        ...(await at.gates([...changesOf(before), ...open])),
      ];
      // Before anything is moved: a run whose row has ended may not be closed yet.
      const violations = await endedOn(fleet, 'a', onA);
      say('what began on a has ended');
      // A change that nobody decides for a week need not hold the old workers for a week.
      const moved = await versions.moveOn('a');
      await versions.untilDrained('a', patienceMs);
      const drainedAfter = (performance.now() - promoted) / 1000;
      await Promise.all(old.map((w) => w.stop()));
      say('a is drained and stopped');
      await Promise.all([...after.map((r) => r.change), kept].map(at.approve));
      await at.complete(kept);
      ends.push(...(await Promise.all(after.map((r) => at.ended(r.agent)))));

      const onB = [...(await at.runs(after.map((r) => r.agent))), ...(await at.gates([...changesOf(after), kept]))];
      violations.push(...(await endedOn(fleet, 'b', onB)));
      const expected = { a: 3 * count + 1, b: 2 * after.length + 1 };
      if (onA.length !== expected.a || onB.length !== expected.b)
        violations.push(`${onA.length} and ${onB.length} workflows are known, not ${expected.a} and ${expected.b}`);
      const unfinished = ends.filter((status) => status !== 'finished').length;
      if (unfinished) violations.push(`${unfinished} runs did not finish`);
      if (back !== 'a') violations.push(`the promotion was taken back to ${back}, not to a`);
      if (moved < 1) violations.push('the open change was not moved');
      return {
        figures: {
          on_a: onA.length,
          on_b: onB.length,
          moved,
          drained_after_s: drainedAfter.toFixed(1),
          lost: unfinished,
        },
        violations,
      };
    }),
};
