import { beginAttempt, holdsAttempt } from '../db/attempts';
import { callFacts, executionAt, insertExecution } from '../db/executions';
import type { Write } from '../db/tx';
import { DomainError } from '../domain/errors';
import { digestOf } from '../log/canonical';
import type { FileStore } from '../log/files';
import type { Store } from '../log/store';
import {
  passes,
  type Call,
  type Decision,
  type Effect,
  type Execution,
  type Reason,
  type StageTime,
  type Tool,
} from './call';
import { lendTo } from './credential';
import { filterOutput, storable } from './output-filter';
import { approvedFor, sealOf } from './seal';
import { stages, type StageDeps, type State, type Stop } from './stages';

export interface ExecuteOptions {
  signal: AbortSignal;
  /** Runs in the transaction that records the call, when this call is the one that is recorded. */
  onRecorded?: (tx: Write, execution: Execution) => Promise<void>;
}

export interface Pipeline {
  /** Carries a call out, or refuses it; either way once a step. What is recorded at the step already is given back. */
  execute: (call: Call, options: ExecuteOptions) => Promise<Execution>;
  isSlow: (call: Call) => Promise<boolean>;
  /** The digest that an approval of this call is sealed to. */
  seal: (call: Call) => string;
}

export interface PipelineDeps extends StageDeps {
  store: Store;
  files: FileStore;
  masterKey: Buffer;
  tools: readonly Tool[];
}

/** Another attempt recorded this step first: its record counts, and this attempt's rows are rolled back. */
class StepTaken extends Error {}
/** This attempt at an external call was given up on, and another has begun: what this one did is the other's to record. */
class Superseded extends Error {}

export function createPipeline(deps: PipelineDeps): Pipeline {
  const { store, files } = deps;
  const tools = new Map(deps.tools.map((t) => [t.name, t]));

  const parse = (call: Call): Pick<State, 'tool' | 'args' | 'argsError' | 'seal'> => {
    const tool = tools.get(call.tool) ?? null;
    const parsed = tool?.args.safeParse(call.args);
    const args: unknown = parsed?.success ? parsed.data : null;
    const issue = parsed?.error?.issues[0];
    const target = tool && parsed?.success ? tool.target(args) : call.tool;
    return {
      tool,
      args,
      argsError: issue ? `${issue.path.join('.') || 'arguments'}: ${issue.message}` : null,
      seal: sealOf(call, target, deps.policies.version),
    };
  };

  const record = async (
    tx: Write,
    call: Call,
    startedAt: number,
    outcome: Pick<Execution, 'decision' | 'risk' | 'findings' | 'reasons' | 'stages' | 'error'> & { result: unknown },
    onRecorded: ExecuteOptions['onRecorded'],
  ): Promise<Execution> => {
    const result = outcome.result ?? null;
    const resultDigest = result === null ? null : digestOf(result);
    const argsDigest = digestOf(call.args);
    const id = tx.log({
      kind: `execution.${outcome.decision}`,
      actor: call.actor,
      subject: { kind: 'execution', id: `${call.owner.id}:${call.owner.step}` },
      ticketId: call.ticketId,
      runId: call.owner.kind === 'run' ? call.owner.id : null,
      agentId: call.agentId,
      tool: call.tool,
      decision: outcome.decision,
      reason: outcome.reasons[0]?.code ?? outcome.error,
      requestId: `${call.owner.id}:${call.owner.step}`,
      receipt: true,
      body: {
        step: call.owner.step,
        why: call.why,
        args_digest: argsDigest,
        result_digest: resultDigest,
        risk_score: outcome.risk,
        findings: outcome.findings,
        reasons: outcome.reasons,
        gate_id: call.gateId,
      },
    });
    const execution: Execution = {
      id,
      step: call.owner.step,
      tool: call.tool,
      args: call.args,
      argsDigest,
      why: call.why,
      ...outcome,
      result,
      resultDigest,
      startedAt: new Date(startedAt).toISOString(),
      durationMs: outcome.stages.reduce((sum, s) => sum + s.ms, 0),
    };
    const of = { ownerId: call.owner.id, agentId: call.agentId, ticketId: call.ticketId };
    const recorded = await insertExecution(tx, of, execution);
    if (!recorded) throw new StepTaken();
    await onRecorded?.(tx, recorded);
    return recorded;
  };

  const attempt = async (call: Call, options: ExecuteOptions): Promise<Execution> => {
    const startedAt = Date.now();
    const parsed = parse(call);
    const { id: ownerId, step } = call.owner;
    const { agentId, ticketId } = call;
    const before = await store.read(call.tenantId, async (tx) => {
      const facts = await callFacts(tx, { ownerId, step, agentId, tool: call.tool, ticketId });
      const taken = facts.taken ? await executionAt(tx, ownerId, step) : null;
      const sealValid = call.gateId === null ? null : await approvedFor(tx, call.gateId, parsed.seal);
      return { facts, taken, sealValid };
    });
    if (before.taken) return before.taken;

    const state: State = {
      call, ...parsed, facts: before.facts, sealValid: before.sealValid, screening: null, policy: null, findings: [], risk: 0, decision: 'allow',
    }; // prettier-ignore
    const times: StageTime[] = [];
    const timed = async <T>(stage: string, work: () => T | Promise<T>, outcome: (r: T) => string): Promise<T> => {
      const from = performance.now();
      const result = await work();
      times.push({ stage, ms: performance.now() - from, outcome: outcome(result) });
      return result;
    };

    let stopped: Stop | null = null;
    for (const stage of stages) {
      stopped = await timed(
        stage.name,
        () => stage.run(state, deps),
        (s) => s?.decision ?? 'pass',
      );
      if (stopped) break;
    }
    const { tool } = state;
    const decided = (decision: Decision, reasons: Reason[], result: unknown, error: string | null) => ({
      decision, reasons, result, error, risk: state.risk, findings: [...new Set(state.findings)], stages: times,
    }); // prettier-ignore
    if (stopped || !tool) {
      const { decision, reasons } = stopped ?? { decision: 'deny' as const, reasons: [] };
      return store.write(call.tenantId, (tx) =>
        record(tx, call, startedAt, decided(decision, reasons, null, null), options.onRecorded),
      );
    }

    const carryOut = async (write: Write | null, effect: Effect | null = null) => {
      const context = {
        call,
        files,
        write,
        effect,
        credential: lendTo(deps, call, options.signal),
        signal: options.signal,
        read: <T>(w: Parameters<typeof store.read<T>>[1]) => store.read(call.tenantId, w),
      };
      await write?.query('savepoint tool');
      try {
        const raw = await timed(
          'execution',
          () => tool.run(state.args, context),
          () => 'done',
        );
        const filtered = await timed(
          'output_filter',
          () => filterOutput(raw),
          (f) => (f.found.length ? 'redact' : 'pass'),
        );
        const reasons = filtered.found.map((name) => ({ code: 'secret_removed', message: name }));
        return decided(state.decision, [...(state.policy?.reasons ?? []), ...reasons], filtered.value, null);
      } catch (e) {
        // The tool said no: that is an answer. Anything else is trouble, and the step is tried again.
        if (!(e instanceof DomainError)) throw e;
        await write?.query('rollback to savepoint tool');
        return decided('error', [{ code: e.code, message: e.message }], null, e.message);
      }
    };
    if (tool.effect === 'read') {
      const outcome = await carryOut(null);
      return store.write(call.tenantId, (tx) => record(tx, call, startedAt, outcome, options.onRecorded));
    }
    if (tool.effect === 'external') {
      const { id, step } = call.owner;
      const attempt = await store.write(call.tenantId, (tx) => beginAttempt(tx, id, step));
      const outcome = await carryOut(null, { key: `${id}:${step}`, attempt, fence: attempt });
      return store.write(call.tenantId, async (tx) => {
        if (!(await holdsAttempt(tx, id, step, attempt))) throw new Superseded(`attempt ${attempt} at step ${step}`);
        return record(tx, call, startedAt, outcome, options.onRecorded);
      });
    }
    return store.write(call.tenantId, async (tx) =>
      record(tx, call, startedAt, await carryOut(tx), options.onRecorded),
    );
  };

  return {
    async execute(asked, options) {
      // What the database cannot hold would fail this step for ever.
      const call = { ...asked, args: storable(asked.args) };
      try {
        return await attempt(call, options);
      } catch (e) {
        if (!(e instanceof StepTaken) && !(e instanceof Superseded)) throw e;
        const standing = await store.read(call.tenantId, (tx) => executionAt(tx, call.owner.id, call.owner.step));
        if (!standing) throw e;
        return standing;
      }
    },
    async isSlow(asked) {
      const call = { ...asked, args: storable(asked.args) };
      const { tool, args } = parse(call);
      if (!tool?.slow || args === null) return false;
      return tool.slow(args, { call, read: (w) => store.read(call.tenantId, w) });
    },
    seal: (call) => parse({ ...call, args: storable(call.args) }).seal,
  };
}

export const wasCarriedOut = (e: Pick<Execution, 'decision'>): boolean => passes(e.decision);
