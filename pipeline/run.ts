import { beginAttempt, holdsAttempt } from '../db/attempts';
import { effectsStopped } from '../db/containment';
import { activeNow } from '../db/rego-policies';
import { agentVersionOf, executionAt, type Counted } from '../db/executions';
import type { Write } from '../db/tx';
import { BadGateway, DomainError, isRefusal } from '../domain/errors';
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
  type ToolEntry,
} from './call';
import { entryOf } from './catalogue';
import { digestOf, readingBy } from './asked';
import { assess } from './assessment';
import { lendTo } from './credential';
import { deadlineIn, noDeadline } from './deadline';
import { factsFrom } from './facts';
import type { ServedTools } from './mcp/served';
import { storable } from '../domain/storable';
import { createRecorder, doneOf, recordIn, type Outcome, type RecordedStep } from './record';
import { judgeResult } from './result';
import { withReferences } from './references';
import { versionOf } from './rego/tenants';
import { assertAnswers } from './policy';
import { approvedFor, useApproval, type Sealed } from './seal';
import { decide, unknownFacts } from './deciding';
import { stages, type StageDeps, type State } from './stages';

export interface ExecuteOptions {
  signal: AbortSignal;
  /** Told when this call is the one that is recorded: how far its run is with it, null when that has ended. */
  onCounted?: (counted: Counted | null) => void;
  /** A call that is not decided by then is not carried out, and recorded as an error; none when left out. */
  decideWithinMs?: number;
}

export interface Pipeline {
  /** Carries a call out, or refuses it; either way once a step. What is recorded at the step already is given back. */
  execute: (call: Call, options: ExecuteOptions) => Promise<Execution>;
  isSlow: (call: Call) => Promise<boolean>;
  /** What there is to call in a tenant: built-in tools, and those of its tool servers. */
  catalogue: (tenantId: string) => Promise<readonly ToolEntry[]>;
  /** What an approval of this call is sealed to. */
  sealed: (call: Call) => Promise<Sealed>;
  /** @throws Error when the policy gives no answer: every call would be denied */
  assertUsable: () => void;
}

export interface PipelineDeps extends StageDeps {
  store: Store;
  files: FileStore;
  masterKey: Buffer;
  tools: readonly Tool[];
  /** Those of tool servers; none when left out. */
  served?: ServedTools;
}

/** Another attempt recorded this step first: its record counts, and this attempt's rows are rolled back. */
class StepTaken extends Error {}
/** This attempt at an external call was given up on, and another has begun: what this one did is the other's to record. */
class Superseded extends Error {}

/** What a tool that broke is to whoever asked for it: what it said of itself, where that was meant for others. */
const failed = (tool: Tool, e: unknown): DomainError =>
  e instanceof DomainError ? e : new BadGateway(`${tool.name} failed`);

export function createPipeline(deps: PipelineDeps): Pipeline {
  const { store, files } = deps;
  const read = readingBy(deps.tools, deps.served);
  const entries = deps.tools.map(entryOf);
  const recorder = createRecorder(store);
  const told = (recorded: RecordedStep | null | undefined, { onCounted }: ExecuteOptions): Execution => {
    if (!recorded) throw new StepTaken();
    onCounted?.(recorded.counted);
    return recorded.execution;
  };
  const facts = factsFrom(store);

  const attempt = async (call: Call, options: ExecuteOptions): Promise<Execution> => {
    const startedAt = Date.now();
    const { decideWithinMs } = options;
    const deadline = decideWithinMs === undefined ? noDeadline : deadlineIn(decideWithinMs);
    const asked = await read(call);
    const { target: _, ...parsed } = asked;
    const { id: ownerId, step } = call.owner;
    const { agentId, ticketId } = call;
    const known = await deadline.race(facts(call.tenantId, { ownerId, step, agentId, tool: call.tool, ticketId }));
    if (known?.taken) throw new StepTaken();
    const { gateId } = call;
    const policyVersion = versionOf(deps.policies.version, known?.policies ?? []);
    const seal = digestOf(call, asked, policyVersion, known?.agentVersion ?? null);
    const sealValid =
      gateId === null ? null : await store.read(call.tenantId, (tx) => approvedFor(tx, gateId, seal, call.owner));

    const state: State = {
      call, ...parsed, policyVersion, facts: known ?? unknownFacts, sealValid, screening: null, policy: null, policyRecord: null,
      findings: [], signals: {}, behavior: { reasons: [] }, risk: 0, decision: 'allow',
    }; // prettier-ignore
    // Whoever asks again with an approval that is void is told to have it approved again.
    if (call.owner.kind === 'request' && sealValid === false) state.sealValid = null;
    const times: StageTime[] = [];
    const timed = async <T>(stage: string, work: () => T | Promise<T>, outcome: (r: T) => string): Promise<T> => {
      const from = performance.now();
      const result = await work();
      times.push({ stage, ms: performance.now() - from, outcome: outcome(result) });
      return result;
    };

    const { stop: stopped, ms } = await decide(known ? stages : [], state, deps, deadline);
    times.push(...ms);
    const { tool } = state;
    const decided = (decision: Decision, reasons: Reason[], result: unknown, error: string | null): Outcome => ({
      decision, reasons, result, error, risk: state.risk, findings: [...new Set(state.findings)], stages: times,
      policy: state.policyRecord, assessment: assess(state, decision),
    }); // prettier-ignore
    if (stopped || !tool) {
      const { decision, reasons } = stopped ?? { decision: 'deny' as const, reasons: [] };
      return told(await recorder(doneOf(call, startedAt, decided(decision, reasons, null, null))), options);
    }

    // Of what is not as it was meant nothing is done, and an approval is not used up for that.
    if (gateId !== null && tool.confirm) {
      try {
        await tool.confirm(call.tenantId, options.signal);
      } catch (e) {
        if (!isRefusal(e)) throw e;
        const reasons = [{ code: e.code, message: e.message }];
        return told(await recorder(doneOf(call, startedAt, decided('error', reasons, null, e.message))), options);
      }
    }

    // Calls that came at the same time all saw it stand approved, and one that came to nothing known may have happened.
    if (
      gateId !== null &&
      state.sealValid !== null &&
      !(await store.write(call.tenantId, (tx) => useApproval(tx, gateId, seal, call.owner)))
    ) {
      const reasons = [{ code: 'approval_void', message: 'the approval is for another call, or over' }];
      const decision = call.owner.kind === 'request' ? 'escalate' : 'deny';
      return told(await recorder(doneOf(call, startedAt, decided(decision, reasons, null, null))), options);
    }

    const carryOut = async (write: Write | null, effect: Effect | null = null) => {
      const context = {
        call,
        files,
        write,
        effect,
        credential: lendTo(deps, call, options.signal),
        read: <T>(w: Parameters<typeof store.read<T>>[1]) => store.read(call.tenantId, w),
      };
      await write?.query('savepoint tool');
      try {
        const raw = await timed(
          'execution',
          () =>
            withReferences(deps, { tool, call, args: state.args, signal: options.signal }, ({ args, ...rest }) =>
              tool.run(args, { ...context, ...rest }),
            ),
          () => 'done',
        );
        const judged = await timed(
          'output_filter',
          () => judgeResult(raw.result, tool.definition !== undefined, state.decision),
          (j) => (j.reasons.length + raw.reasons.length ? 'redact' : 'pass'),
        );
        state.findings.push(...judged.findings);
        const all = [...(state.policy?.reasons ?? []), ...raw.reasons, ...judged.reasons];
        return decided(judged.decision, all, judged.value, null);
      } catch (e) {
        // The tool said no: that is an answer. Anything else is trouble, and the step is tried again; a request is not.
        const refusal = isRefusal(e) ? e : call.owner.kind === 'request' ? failed(tool, e) : null;
        if (!refusal) throw e;
        await write?.query('rollback to savepoint tool');
        return decided('error', [{ code: refusal.code, message: refusal.message }], null, refusal.message);
      }
    };
    if (tool.effect === 'read') return told(await recorder(doneOf(call, startedAt, await carryOut(null))), options);
    /** Undone when the step is taken, and whatever else the transaction did with it. */
    const recordAlone = async (tx: Write, outcome: Outcome): Promise<Execution> => {
      const [recorded] = await recordIn(tx, call.owner.kind, [doneOf(call, startedAt, outcome)]);
      return told(recorded, options);
    };
    if (tool.effect === 'external') {
      const { id, step } = call.owner;
      // Stopped since stage 0: what is engaged now waits for this transaction, and sees what it began.
      const begun = await store.write(call.tenantId, async (tx) => ({
        stopped: await effectsStopped(tx, id),
        attempt: await beginAttempt(tx, id, step, call),
      }));
      const { attempt, stopped: late } = begun;
      if (late) {
        const [decision, code] =
          late.by === 'fence' ? (['deny', 'run_fenced'] as const) : (['kill', 'kill_switch_engaged'] as const);
        const reasons = [{ code, message: late.reason }];
        return told(await recorder(doneOf(call, startedAt, decided(decision, reasons, null, null))), options);
      }
      const outcome = await carryOut(null, { key: `${id}:${step}`, attempt, fence: attempt });
      return store.write(call.tenantId, async (tx) => {
        if (!(await holdsAttempt(tx, id, step, attempt))) throw new Superseded(`attempt ${attempt} at step ${step}`);
        return recordAlone(tx, outcome);
      });
    }
    return store.write(call.tenantId, async (tx) => recordAlone(tx, await carryOut(tx)));
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
      const { tool, args } = await read(call);
      if (!tool?.slow || args === null) return false;
      return tool.slow(args, { call, read: (w) => store.read(call.tenantId, w) });
    },
    catalogue: async (tenantId) => [...entries, ...((await deps.served?.all(tenantId)) ?? []).map(entryOf)],
    async sealed(given) {
      const call = { ...given, args: storable(given.args) };
      const asked = await read(call);
      const { agentVersion, active } = await store.read(call.tenantId, async (tx) => ({
        agentVersion: await agentVersionOf(tx, call.agentId),
        active: await activeNow(tx),
      }));
      const digest = digestOf(call, asked, versionOf(deps.policies.version, active), agentVersion);
      return { digest, target: asked.target };
    },
    assertUsable: () => assertAnswers(deps.policies),
  };
}

export const wasCarriedOut = (e: Pick<Execution, 'decision'>): boolean => passes(e.decision);
