import { execFile } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { root } from '../../config';
import { findOpa } from '../../pipeline/opa';
import { createEngine, loadPolicies, type PolicyEngine, type PolicyInput } from '../../pipeline/policy';

const run = promisify(execFile);
const compiled = join(root, 'policy', 'compiled');

const call: PolicyInput = {
  tenant: '6f1c1e0a-7d3b-4b52-9c53-0a4f5f0f4f11',
  principal: { id: 'run-agent', kind: 'agent', scopes: ['tools:read', 'tools:publish'] },
  agent: { id: 'analyst', grants: [{ tool: 'logs.search', effect: 'ALLOW' }] },
  tool: { name: 'logs.search', effect: 'read', scope: 'tools:read' },
  args: { query: 'timeout' },
  target: null,
  run: { id: 'run-1', ticket: 17 },
  approval: null,
  risk: 0,
};

const publish: PolicyInput = {
  ...call,
  agent: { id: 'analyst', grants: [{ tool: '*', effect: 'ALLOW' }] },
  tool: { name: 'site.publish', effect: 'external', scope: 'tools:publish' },
};

let engine: PolicyEngine;
let errors: Error[];
let folder: string;

beforeEach(async () => {
  errors = [];
  engine = await loadPolicies(compiled, (error) => errors.push(error));
  folder = await realpath(await mkdtemp(join(tmpdir(), 'policy-test-')));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

const codes = (input: PolicyInput): string[] => engine.evaluate(input).reasons.map((r) => r.code);

describe('the built-in policy, evaluated in process', () => {
  test('allows what is granted, and says by which policy and version', () => {
    expect(engine.evaluate(call)).toEqual({
      decision: 'allow',
      reasons: [{ code: 'granted', message: expect.any(String) as string }],
      policyId: 'wheelhouse.tools',
      version: engine.version,
    });
    expect(engine.version).toMatch(/^[0-9a-f]{64}$/);
  });

  test.each<[string, PolicyInput, string, string]>([
    ['no grant', { ...call, agent: { id: 'a', grants: [] } }, 'deny', 'tool_not_granted'],
    [
      'a denial beside a grant',
      { ...publish, agent: { id: 'a', grants: [...publish.agent.grants, { tool: 'site.publish', effect: 'DENY' }] } },
      'deny',
      'tool_denied',
    ],
    ['no scope', { ...call, principal: { ...call.principal, scopes: [] } }, 'deny', 'scope_missing'],
    ['an external effect', publish, 'escalate', 'approval_required'],
    [
      'an approval that is void',
      { ...publish, approval: { sealed: true, valid: false } },
      'escalate',
      'approval_required',
    ],
    ['an approval that holds', { ...publish, approval: { sealed: true, valid: true } }, 'allow', 'granted'],
    ['a foreign tenant', { ...call, args: { filter: { tenant_id: 'someone-else' } } }, 'deny', 'foreign_tenant'],
    ['a foreign ticket', { ...call, args: { ticket: 18 } }, 'deny', 'foreign_ticket'],
    ['its own ticket', { ...call, args: { ticket: '17' } }, 'allow', 'granted'],
    ['high risk', { ...call, risk: 0.8 }, 'escalate', 'risk_needs_approval'],
    ['the highest risk', { ...call, risk: 0.95 }, 'deny', 'risk_too_high'],
    ['no tenant', { ...call, tenant: '' }, 'deny', 'input_malformed'],
  ])('%s', (_, input, decision, code) => {
    expect(engine.evaluate(input).decision).toBe(decision);
    expect(codes(input)).toContain(code);
    expect(errors).toEqual([]);
  });

  test('one call leaves nothing to the next, whatever its size and language', () => {
    for (const text of ['x'.repeat(500_000), '\u0000 "\\" \u{1F600} größe 日本語', '', 'x']) {
      expect(engine.evaluate({ ...call, args: { query: text } }).decision).toBe('allow');
      expect(codes({ ...call, args: { tenant: text } })).toEqual(['foreign_tenant']);
    }
    expect(errors).toEqual([]);
  });
});

describe('fails closed', () => {
  const unavailable = { decision: 'deny', reasons: [{ code: 'policy_unavailable' }] };

  test('input that is no JSON, or more than the memory holds: denied, reported, and the next call is served', () => {
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    expect(engine.evaluate({ ...call, args: circle })).toMatchObject(unavailable);
    expect(engine.evaluate({ ...call, args: { q: '\ud800' } })).toMatchObject(unavailable);
    expect(engine.evaluate({ ...call, args: 'x'.repeat(24_000_000) })).toMatchObject(unavailable);
    expect(errors).toHaveLength(3);
    expect(engine.evaluate(call).decision).toBe('allow');
  });

  const result = { decision: 'allow', reasons: [{ code: 'ok', message: '' }], policy_id: 'p' };

  test.each<[string, unknown]>([
    ['undefined', undefined],
    ['no result', []],
    ['two results', [{ result }, { result }]],
    ['true instead of a result', [{ result: true }]],
    ['an unknown decision', [{ result: { ...result, decision: 'maybe' } }]],
    ['no reasons', [{ result: { ...result, reasons: [] } }]],
    ['no policy id', [{ result: { ...result, policy_id: '' } }]],
    ['more than was agreed', [{ result: { ...result, override: true } }]],
  ])('a policy that answers with %s', (_, answer) => {
    const reported: Error[] = [];
    const odd = createEngine([() => answer], 'v', (error) => reported.push(error));
    expect(odd.evaluate(call)).toMatchObject(unavailable);
    expect(reported).toHaveLength(1);
  });

  test('one policy of several that fails denies for all; else the strictest wins', () => {
    const says = (decision: string, policy_id: string) => () => [{ result: { ...result, decision, policy_id } }];
    const engineOf = (...policies: (() => unknown)[]) => createEngine(policies, 'v', (error) => errors.push(error));
    expect(engineOf(says('allow', 'a'), says('escalate', 'b')).evaluate(call)).toMatchObject({
      decision: 'escalate',
      policyId: 'b',
    });
    expect(engineOf(says('escalate', 'a'), says('deny', 'b'), says('allow', 'c')).evaluate(call)).toMatchObject({
      decision: 'deny',
      policyId: 'b',
    });
    const broken = () => {
      throw new Error('out of order');
    };
    expect(engineOf(says('allow', 'a'), broken).evaluate(call)).toMatchObject(unavailable);
    expect(engineOf().evaluate(call)).toMatchObject(unavailable);
    expect(errors).toHaveLength(2);
  });

  test('a module that is not the one of its manifest is not loaded', async () => {
    await cp(compiled, folder, { recursive: true });
    const wasm = await readFile(join(folder, 'tools.wasm'));
    wasm[wasm.length - 1] = (wasm.at(-1) ?? 0) ^ 1;
    await writeFile(join(folder, 'tools.wasm'), wasm);
    await expect(loadPolicies(folder, () => undefined)).rejects.toThrow(
      'policy tools: tools.wasm is not the module of its manifest',
    );
  });
});

describe('scripts/build-policy.mjs --check, without opa', () => {
  const check = () =>
    run(process.execPath, [join(folder, 'scripts', 'build-policy.mjs'), '--check'], { env: { PATH: folder } });

  beforeEach(async () => {
    await cp(join(root, 'policy'), join(folder, 'policy'), { recursive: true });
    await mkdir(join(folder, 'scripts'));
    for (const file of ['build-policy.mjs', 'opa.mjs'])
      await cp(join(root, 'scripts', file), join(folder, 'scripts', file));
  });

  test('compares digests, and says that it did no more', async () => {
    expect((await check()).stdout).toContain("only digests compared, because opa can't be had");
  });

  test.each([
    ['a source that was changed', 'tools.rego', '\n# changed\n', 'policy/tools.rego: changed since it was compiled'],
    [
      'a module that was changed',
      'compiled/tools.wasm',
      'x',
      'policy/compiled/tools.wasm: not the module of the manifest',
    ],
    [
      'a source without a module',
      'extra.rego',
      'package wheelhouse.extra\n',
      'policy/extra.rego: changed since it was compiled',
    ],
    ['a module without a source', 'compiled/extra.wasm', 'x', 'policy/compiled/extra.wasm: has no source'],
  ])('names %s', async (_, file, text, message) => {
    await writeFile(join(folder, 'policy', file), text, { flag: 'a' });
    await expect(check()).rejects.toMatchObject({ stderr: expect.stringContaining(message) as string });
  });
});

describe('finding opa', () => {
  const executable = async (name: string, script: string): Promise<string> => {
    const path = join(folder, name);
    await writeFile(path, `#!${process.execPath}\n${script}`);
    await chmod(path, 0o755);
    return path;
  };
  const version = `console.log('Version: 1.22.2')`;

  beforeEach(async () => {
    await mkdir(join(folder, 'scripts'));
    await cp(join(root, 'scripts', 'opa.mjs'), join(folder, 'scripts', 'opa.mjs'));
  });

  test('OPA_BIN is taken, and a wrong one is an error that names it', async () => {
    const opa = await executable('my-opa', version);
    await expect(findOpa(folder, { PATH: folder, OPA_BIN: opa })).resolves.toBe(opa);
    await expect(findOpa(folder, { PATH: folder, OPA_BIN: '/nowhere/opa' })).rejects.toThrow(
      'OPA_BIN: /nowhere/opa is no working opa',
    );
  });

  test('opa on PATH is taken', async () => {
    await executable('opa', version);
    await expect(findOpa(folder, { PATH: folder })).resolves.toBe('opa');
  });

  test('without opa and Go the error names each try', async () => {
    await expect(findOpa(folder, { PATH: folder })).rejects.toThrow(
      /OPA_BIN \(not set\).*PATH \(none\).*opa-1\.22\.2.*no go on PATH/,
    );
  });

  test('two that build at once build once, even when a dead builder left its lock', async () => {
    await executable(
      'go',
      `const fs = require('node:fs');
       if (process.argv[2] === 'version') process.exit(0);
       fs.appendFileSync(${JSON.stringify(join(folder, 'builds'))}, process.argv.slice(2).join(' ') + '\\n');
       setTimeout(() => fs.writeFileSync(process.env.GOBIN + '/opa', ${JSON.stringify(`#!${process.execPath}\n${version}`)}, { mode: 0o755 }), 300);`,
    );
    const bin = join(folder, '.wheelhouse', 'cache', 'bin');
    await mkdir(bin, { recursive: true });
    const gone = await run(process.execPath, ['-p', 'process.pid']);
    await writeFile(join(bin, 'opa-1.22.2.lock'), gone.stdout.trim());
    const found = await Promise.all([findOpa(folder, { PATH: folder }), findOpa(folder, { PATH: folder })]);
    expect(found).toEqual([join(bin, 'opa-1.22.2'), join(bin, 'opa-1.22.2')]);
    expect(await readFile(join(folder, 'builds'), 'utf8')).toBe('install github.com/open-policy-agent/opa@v1.22.2\n');
  });
});
