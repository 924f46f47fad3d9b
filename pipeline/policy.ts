import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadPolicySync } from '@open-policy-agent/opa-wasm';
import { z } from 'zod';

/** What the built-in policies read; policy/tools.rego denies a call that lacks any of it. */
export interface PolicyInput {
  tenant: string;
  principal: { id: string; kind: string; scopes: readonly string[] };
  /** `tool` is a name or `*`. */
  agent: { id: string; grants: readonly { tool: string; effect: 'ALLOW' | 'DENY' }[] };
  /** `scope` null: the tool needs none. */
  tool: { name: string; effect: 'read' | 'write' | 'external'; scope: string | null };
  args: unknown;
  target: unknown;
  /** Null outside a run; `ticket` in the form in which arguments name it. */
  run: { id: string; ticket: string | number | null } | null;
  approval: { sealed: boolean; valid: boolean } | null;
  /** 0..1, from screening. */
  risk: number;
}

export type PolicyDecision = 'allow' | 'escalate' | 'deny';

export interface PolicyResult {
  decision: PolicyDecision;
  /** At least one. */
  reasons: { code: string; message: string }[];
  /** Of the policy that decided: the strictest, the first of equals. */
  policyId: string;
  /** Digest of the modules that decided: an approval sealed under another version is void. */
  version: string;
  /** -0.3..0.3: what a tenant's own policies add to the risk of the call; nothing where there are none. */
  adjustment?: number;
}

export interface PolicyEngine {
  version: string;
  /** Never throws: whatever goes wrong is a denial with the reason `policy_unavailable`. */
  evaluate(input: PolicyInput): PolicyResult;
}

const Manifest = z.object({
  opa: z.string(),
  policies: z
    .array(
      z.object({
        name: z.string().regex(/^\w+$/),
        entrypoints: z.array(z.string()).min(1),
        sources: z.record(z.string(), z.string()),
        wasm: z.string(),
      }),
    )
    .min(1),
});

/** A policy's answer: exactly one result, or it is none. */
const Answer = z.tuple([
  z.object({
    result: z.strictObject({
      decision: z.enum(['allow', 'escalate', 'deny']),
      reasons: z.array(z.strictObject({ code: z.string().min(1), message: z.string() })).min(1),
      policy_id: z.string().min(1),
    }),
  }),
]);

const strictness: Record<PolicyDecision, number> = { allow: 0, escalate: 1, deny: 2 };

/** 64 KiB each. A megabyte of arguments takes about 10 MiB; a call that needs more than this is denied. */
const memoryPages = { initial: 5, maximum: 512 };

/**
 * Compiles the modules of a folder (policy/compiled) once; evaluation is synchronous, in process, without a network.
 * @throws Error when a module is missing, or is not the one its manifest names.
 */
export async function loadPolicies(dir: string, onError: (error: Error) => void): Promise<PolicyEngine> {
  const manifest = Manifest.parse(JSON.parse(await readFile(join(dir, 'manifest.json'), 'utf8')));
  const modules = await Promise.all(
    manifest.policies.map(async ({ name, entrypoints, wasm }) => {
      const bytes = await readFile(join(dir, `${name}.wasm`));
      if (sha256(bytes) !== wasm) throw new Error(`policy ${name}: ${name}.wasm is not the module of its manifest`);
      const evaluator = new Evaluator(bytes);
      return entrypoints.map((entrypoint) => (input: PolicyInput) => evaluator.evaluate(input, entrypoint));
    }),
  );
  const version = sha256(JSON.stringify(manifest.policies.map((p) => [p.name, p.entrypoints, p.wasm])));
  return createEngine(modules.flat(), version, onError);
}

/** One policy: gives OPA's result set for an input, or throws. */
export type EvaluatePolicy = (input: PolicyInput) => unknown;

/** Asks every policy and takes the strictest answer; one that fails denies for all. */
export function createEngine(
  policies: EvaluatePolicy[],
  version: string,
  onError: (error: Error) => void,
): PolicyEngine {
  return {
    version,
    evaluate(input) {
      try {
        const answers = policies.map((evaluate) => Answer.parse(evaluate(input))[0].result);
        const strictest = answers.reduce((a, b) => (strictness[b.decision] > strictness[a.decision] ? b : a));
        const { decision, reasons, policy_id: policyId } = strictest;
        return { decision, reasons, policyId, version };
      } catch (error) {
        // OPA's module aborts by throwing plain text.
        onError(error instanceof Error ? error : new Error(String(error)));
        const reasons = [{ code: 'policy_unavailable', message: 'the policy gave no usable answer' }];
        return { decision: 'deny', reasons, policyId: 'wheelhouse', version };
      }
    },
  };
}

/** @throws Error when it gives no answer: every call would be denied */
export function assertAnswers(policies: PolicyEngine): void {
  const nobody = { id: '', kind: 'system', scopes: [] };
  const { reasons } = policies.evaluate({
    tenant: '', principal: nobody, agent: { id: '', grants: [] }, tool: { name: '', effect: 'read', scope: null }, args: {},
    target: '', run: null, approval: null, risk: 0,
  }); // prettier-ignore
  if (reasons.some((r) => r.code === 'policy_unavailable')) throw new Error('the policy gives no answer');
}

/**
 * Holds one instance of a module. OPA resets the heap to the same mark at the start of each evaluation, so calls leave
 * nothing to one another; after a failure the state is unknown, and a new instance takes over.
 */
class Evaluator {
  private policy: ReturnType<typeof loadPolicySync>;

  constructor(private readonly wasm: Uint8Array) {
    this.policy = loadPolicySync(wasm, memoryPages);
  }

  evaluate(input: PolicyInput, entrypoint: string): unknown {
    try {
      return this.policy.evaluate(input, entrypoint);
    } catch (error) {
      this.policy = loadPolicySync(this.wasm, memoryPages);
      throw error;
    }
  }
}

function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}
