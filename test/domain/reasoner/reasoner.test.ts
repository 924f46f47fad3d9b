import type { Brief, Observation } from '../../../domain/harness';
import type { ModelTurn } from '../../../domain/model-turn';
import { charsPerToken, refusedBy, reserve } from '../../../domain/reasoner/budget';
import { promptFor } from '../../../domain/reasoner/conversation';
import { reasoner } from '../../../domain/reasoner/reasoner';

const brief: Brief = {
  ticket: { id: 'x', number: 7, title: 'Logins fail', description: 'Since this morning', ticketClass: 'Incident', priority: '2' },
  prompt: 'Find out why', attachments: [], steering: [], access: [], slug: 'ticket-7-agent-1',
}; // prettier-ignore
const says = (id: string, body: string) => ({ id, author: 'dana', source: 'dashboard', body });
const turn = (nth: number, change: Partial<ModelTurn> = {}): ModelTurn => ({
  id: `t${nth}`, tenantId: 't', runId: 'r', profileId: null, reasoning: [], turn: nth, attempt: 1, purpose: 'turn', state: 'answered', model: 'small', step: 0, heard: 0,
  covers: null, promptDigest: '', promptChars: 400, text: '', calls: [], stopReason: 'tool-calls', tokensIn: 100, tokensOut: 10,
  costMicros: 0, estimated: false, error: null, startedAt: '', durationMs: 1, ...change,
}); // prettier-ignore
const call = (tool: string, args: Record<string, unknown> | null = {}) => ({ id: 'c', tool, args });
const seen = (step: number, change: Partial<Observation> = {}): Observation => ({
  step, tool: 'knowledge.search', args: {}, decision: 'allow', reasons: [], digest: 'd1', result: { articles: [] }, ...change,
}); // prettier-ignore
const search = call('knowledge.search', { query: 'sshd' });
const finish = call('finish', { summary: 'done' });

test('asks for a turn, carries its calls out one by one, and asks again with what came of them', () => {
  expect(reasoner.next(brief, [], [])).toEqual({ kind: 'think' });
  const two = [turn(0, { text: 'First the articles.', calls: [search, call('tickets.related', { ticket_id: 7 })] })];
  expect(reasoner.next(brief, [], two)).toEqual({
    kind: 'call', tool: 'knowledge.search', args: { query: 'sshd' }, why: 'First the articles.',
  }); // prettier-ignore
  expect(reasoner.next(brief, [seen(0)], two)).toMatchObject({ kind: 'call', tool: 'tickets.related' });
  expect(reasoner.next(brief, [seen(0), seen(1)], two)).toEqual({ kind: 'think' });
});

test('ends with words, or by the call that says so; not while people have said something since', () => {
  expect(reasoner.next(brief, [], [turn(0, { text: ' All is well. ' })])).toEqual({
    kind: 'finish',
    summary: 'All is well.',
  });
  expect(reasoner.next(brief, [], [turn(0, { calls: [finish] })])).toEqual({ kind: 'finish', summary: 'done' });
  const told = { ...brief, steering: [says('s1', 'and root?')] };
  expect(reasoner.next(told, [], [turn(0, { calls: [finish] })])).toEqual({ kind: 'think' });
  expect(reasoner.next(told, [], [turn(0, { calls: [finish], heard: 1 })])).toMatchObject({ kind: 'finish' });
  const answered = [turn(0, { calls: [finish] }), turn(1, { heard: 1, text: 'root as well' })];
  expect(reasoner.answers?.(told, answered)).toEqual(new Map([['s1', 'root as well']]));
});

test('what it proposes is proposed once, at the step where it was escalated; a refusal it hears, as it does of a second one', () => {
  const change = call('propose_change', { tool: 'site.publish', arguments: { slug: 'a' }, reason: 'to tell' });
  const proposing = [turn(0, { calls: [change] })];
  expect(reasoner.next(brief, [], proposing)).toEqual({
    kind: 'propose', action: 'publish_static_site', target: 'a', reason: 'to tell', tool: 'site.publish', args: { slug: 'a' },
  }); // prettier-ignore
  const escalated = seen(0, { tool: 'site.publish', decision: 'escalate' });
  expect(reasoner.next(brief, [escalated], proposing)).toMatchObject({ kind: 'propose', at: 0 });
  const refused = seen(0, { decision: 'deny', reasons: [{ code: 'invalid_arguments', message: 'slug: too long' }] });
  expect(reasoner.next(brief, [refused], proposing)).toEqual({ kind: 'think' });
  // What is said while people decide is thought about; what was proposed stands behind that.
  const told = { ...brief, steering: [says('s1', 'why?')] };
  expect(reasoner.next(told, [escalated], proposing)).toEqual({ kind: 'think' });
  const again = [...proposing, turn(1, { step: 1, heard: 1, calls: [change] })];
  expect(reasoner.next(told, [escalated], again)).toMatchObject({ kind: 'propose', at: 0 });
});

test('access is asked for once a system, and its standing answers', () => {
  const asks = [turn(0, { calls: [call('request_access', { system: 'gitlab', resource: 'ops', permission: 'read', reason: 'to see' })] })]; // prettier-ignore
  expect(reasoner.next(brief, [], asks)).toMatchObject({ kind: 'request_access', system: 'gitlab' });
  const granted = { ...brief, access: [{ system: 'gitlab', status: 'granted', credentialRef: 'lease:1' }] };
  expect(reasoner.next(granted, [], asks)).toEqual({ kind: 'think' });
  expect(JSON.stringify(promptFor(granted, [], asks, { chars: 1e6, result: 1e4 })?.said)).toContain('granted, lease:1');
});

test('five turns in a row with nothing that could be done fail the run, with the last of what was wrong', () => {
  const unknown = (step: number) =>
    seen(step, { decision: 'deny', reasons: [{ code: 'unknown_tool', message: 'there is no tool x' }] });
  const lost = [0, 1, 2, 3, 4].map((i) => turn(i, { step: i, calls: [call('x')] }));
  expect(reasoner.next(brief, [0, 1, 2, 3].map(unknown), lost.slice(0, 4))).toEqual({ kind: 'think' });
  expect(reasoner.next(brief, [0, 1, 2, 3, 4].map(unknown), lost)).toEqual({
    kind: 'fail',
    error: 'the model went wrong 5 times in a row: refused (deny): there is no tool x',
  });
  const mute = [0, 1, 2, 3, 4].map((i) => turn(i, { stopReason: 'length', text: 'so' }));
  expect(reasoner.next(brief, [], mute)).toMatchObject({ kind: 'fail', error: expect.stringContaining('cut off') });
  const better = [...mute.slice(0, 4), turn(4, { calls: [search] }), turn(5, { step: 1 })];
  expect(reasoner.next(brief, [seen(0)], better)).toEqual({ kind: 'think' });
});

test('a turn that was refused fails the run in its words, but not what people decide about', () => {
  const out = turn(1, { state: 'refused', error: 'the budget of this run is used up' });
  expect(reasoner.next(brief, [], [turn(0, { calls: [search] }), out])).toEqual({
    kind: 'fail',
    error: 'the budget of this run is used up',
  });
});

describe('the prompt', () => {
  const long = (n: number) => seen(n, { result: 'x'.repeat(1_000) });
  const many = [0, 1, 2, 3, 4, 5].map((i) =>
    turn(i, { step: i, text: `look ${i}`, calls: [search], heard: i > 2 ? 1 : 0 }),
  );
  const told = { ...brief, steering: [says('s1', 'look at root')] };
  const results = [0, 1, 2, 3, 4, 5].map(long);

  test('has the task, each turn with what came of it, and what people said where they said it', () => {
    const whole = promptFor(told, results, many, { chars: 1e6, result: 1e4 });
    expect(whole).toMatchObject({ purpose: 'turn', covers: null });
    const lines = whole!.said.map((p) => (p.role === 'tool' ? 'tool' : p.text.split('\n')[0]));
    expect(lines).toEqual([
      'Ticket 7 (Incident, priority 2): Logins fail', 'look 0', 'tool', 'look 1', 'tool', 'look 2', 'tool',
      'People say (dana, dashboard): look at root', 'look 3', 'tool', 'look 4', 'tool', 'look 5', 'tool',
    ]); // prettier-ignore
    const ids = whole!.said.flatMap((p) => (p.role === 'tool' ? p.results.map((r) => r.id) : []));
    expect(new Set(ids).size).toBe(6);
  });

  test('is one for a summary when it has no room, and goes on behind that; people are not summed up', () => {
    const room = { chars: 6_000, result: 2_000 };
    const summing = promptFor(told, results, many, room);
    expect(summing).toMatchObject({ purpose: 'summary', covers: expect.any(Number) });
    expect(summing!.chars).toBeLessThanOrEqual(room.chars);
    const { covers } = summing!;
    const done = [
      ...many,
      turn(6, { purpose: 'summary', covers, step: 6, heard: 1, text: 'All was looked at.', stopReason: 'stop' }),
    ];
    expect(reasoner.next(told, results, done)).toEqual({ kind: 'think' });
    const after = promptFor(told, results, done, { chars: 1e6, result: 1e4 });
    const text = JSON.stringify(after!.said);
    expect(text).toContain('All was looked at.');
    expect(text).toContain('look at root');
    expect(text).not.toContain('look 0');
    expect(after!.said.filter((p) => p.role === 'tool')).toHaveLength(6 - covers!);
  });

  test('has the skills beside the rules, where no ticket gets to, and within their share of its room', () => {
    const skills = [
      { name: 'read a log', description: 'How to', text: 'Count failed logins.' },
      { name: 'long', description: 'Much', text: 'y'.repeat(9_000) },
    ];
    const whole = promptFor({ ...brief, skills }, [], [], { chars: 1e6, result: 1e4 });
    expect(whole?.system).toContain('## read a log\nHow to\n\nCount failed logins.');
    expect(whole?.system).toContain('y'.repeat(9_000));
    expect(JSON.stringify(whole?.said)).not.toContain('Count failed logins.');
    const narrow = promptFor({ ...brief, skills }, [], [], { chars: 8_000, result: 4_000 });
    expect(narrow?.system).toContain('Count failed logins.');
    expect(narrow?.system).toContain('## long\nMuch');
    expect(narrow?.system).not.toContain('yyy');
    expect(narrow!.chars).toBeLessThanOrEqual(8_000);
  });

  test('gives back to a model what it thought itself, and not what another did', () => {
    const reasoning = [{ text: 'First I look.', signature: 'x', redacted: null }];
    const thought = [turn(0, { reasoning, calls: [search] })];
    const parts = (model: string) =>
      promptFor(brief, [seen(0)], thought, { chars: 1e6, result: 1e4, model })?.said.filter(
        (p) => p.role === 'assistant',
      );
    expect(parts('small')).toMatchObject([{ reasoning }]);
    expect(parts('other')?.[0]).not.toHaveProperty('reasoning');
  });

  test('is none when not even the oldest turn has room', () => {
    expect(promptFor(told, results, many, { chars: 500, result: 500 })).toBeNull();
  });
});

test('a turn is reserved at what its prompt and the longest answer may take, and refused in words', () => {
  const model = {
    name: 'small', api: 'openai' as const, url: '', key: null, model: 'small', timeoutMs: 1, window: 8_000, maxOutput: 1_000,
    price: { input: 2, output: 8 }, reasoning: 'none' as const, fast: null, fallbacks: [],
  }; // prettier-ignore
  expect(charsPerToken([])).toBe(2);
  expect(charsPerToken([turn(0)])).toBeCloseTo(4 / 1.1);
  const others = [turn(0, { promptChars: 800 }), turn(1, { model: 'other' })];
  expect(charsPerToken(others, 'small')).toBeCloseTo(8 / 1.1);
  expect(charsPerToken(others, 'new here')).toBeCloseTo(4 / 1.1);
  const next = reserve(model, 4_000, 2);
  expect(next).toEqual({ tokensIn: 2_000, tokensOut: 1_000, costMicros: 12_000 });
  const budget = { tokens: 5_000, costMicros: 20_000 };
  expect(refusedBy('this run', budget, { tokens: 2_000, costMicros: 8_000 }, next)).toBeNull();
  expect(refusedBy('this run', budget, { tokens: 2_001, costMicros: 0 }, next)).toContain('2001 of 5000 tokens');
  expect(refusedBy('this run', budget, { tokens: 0, costMicros: 8_001 }, next)).toContain('0.008001 of 0.02');
});
