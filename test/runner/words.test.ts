import fs, { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readCheckpoint } from '../../runner/checkpoint';
import { putFile, readPart } from '../../runner/files';
import { isDone, outcomeOf, waitOf, type End } from '../../runner/outcome';
import { said } from '../../runner/signals';
import { writeWhole } from '../../runner/state';
import { lastLines, linesFrom } from '../../runner/tail';

let folder: string;
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'wh-words-'))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('what a command says', () => {
  test.each([
    [{ type: 'system', subtype: 'init' }, 10, null],
    [{ type: 'assistant', message: { content: [] } }, 40, null],
    [{ type: 'user', message: { content: [{ type: 'tool_result' }] } }, 45, null],
    [{ type: 'result', result: 'done' }, 95, 'done'],
    [{ type: 'item.completed', item: { type: 'agent_message', text: 'hi' } }, 40, 'hi'],
    [{ type: 'item.completed', item: { type: 'command_execution' } }, 45, null],
    [{ id: '1', msg: { type: 'agent_message', message: 'old' } }, 40, 'old'],
    [{ type: 'final_message', content: 'bye' }, 40, 'bye'],
    [{ type: 'unknown' }, null, null],
  ])('%j', (event, progress, text) => {
    expect(said(JSON.stringify(event))).toMatchObject({ progress, text, failed: false });
  });
  test('what is no JSON says nothing; what failed says so', () => {
    expect(said('plain text').text).toBeNull();
    expect(said('{"half": ').text).toBeNull();
    expect(said('{"type":"result","is_error":true,"result":"no"}')).toMatchObject({ failed: true, text: 'no' });
  });
});

describe('how a run goes on', () => {
  const most = { time: 'T', silence: 'S', memory: 'M', output: 'O', stop: 'P', unattended: 'U' };
  const exit = { code: 0, signal: null, limit: null, error: null, outputBytes: 0, peakBytes: 0, endedAt: '' };
  const end = (changes: Partial<End>) => outcomeOf({ exit, lost: null, because: null, checkpoint: null, text: null, saidFailed: false, tail: '', ...changes }, most, 30); // prettier-ignore
  const at = (status: string, progress: number, step = 's') => ({ step, status, progress, output: 'words' });

  test('waits, by what its status or its step says', () => {
    expect(waitOf(at('waiting_for_access', 10))).toBe('awaiting_access');
    expect(waitOf(at('pending_approval', 10))).toBe('pending_approval');
    expect(waitOf(at('running', 10, 'waiting_for_requester'))).toBe('awaiting_user_response');
    expect(waitOf(at('blocked', 10))).toBe('blocked');
    expect(waitOf(at('waiting_for_user', 100))).toBeNull();
    expect(waitOf(at('running', 10))).toBeNull();
    expect([isDone(at('done', 100)), isDone(at('done', 99))]).toEqual([true, false]);
  });

  test.each([
    [{ text: 'R' }, { is: 'finished', result: 'R' }],
    [{ tail: 'the disk\n[stderr] warning: slow\nwas full\n[stderr] bye\n' }, { is: 'finished', result: 'the disk | was full' }],
    [{ tail: '[runner] begun\n[stderr] all well\n' }, { is: 'finished', result: '[stderr] all well' }],
    [{ exit: { ...exit, code: 3 }, tail: 'begins\n[stderr] no disk\n' }, { is: 'failed', error: 'the command ended with exit code 3: begins | [stderr] no disk' }],
    [{ checkpoint: at('done', 100), exit: { ...exit, code: 1 } }, { is: 'finished', result: 'words' }],
    [{ checkpoint: at('blocked', 50), exit: { ...exit, code: null, signal: 'SIGTERM', limit: 'stop' } }, { is: 'waiting', for: 'blocked', why: 'words' }],
    [{ checkpoint: at('blocked', 50), exit: { ...exit, code: null, limit: 'memory' } }, { is: 'failed', error: 'M' }],
    [{ exit: { ...exit, code: null, limit: 'stop' } }, { is: 'stopped', why: 'P' }],
    [{ exit: { ...exit, code: null, limit: 'stop' }, because: 'B' }, { is: 'failed', error: 'B' }],
    // What a launch found of the one before is not what came of it.
    [{ checkpoint: { step: 'resumed', status: 'queued', output: 'asked', progress: 60 }, tail: 'all is well\n' }, { is: 'finished', result: 'all is well' }],
    [{ exit: { ...exit, code: 1 }, tail: 'HTTP 503 from upstream\n' }, { is: 'again', why: 'HTTP 503 from upstream', afterMs: 30 }],
    [{ exit: { ...exit, code: 3 }, tail: 'a\nno such thing\n' }, { is: 'failed', error: 'the command ended with exit code 3: a | no such thing' }],
    [{ text: 'no', saidFailed: true }, { is: 'failed', error: 'the command ended with exit code 0: no' }],
    [{ exit: null, lost: 'gone' }, { is: 'failed', error: 'gone' }],
    [{ exit: { ...exit, code: null, error: 'ENOENT' } }, { is: 'failed', error: 'the command could not be run: ENOENT' }],
  ] as [Partial<End>, object][])('%j', (changes, outcome) => expect(end(changes)).toEqual(outcome)); // prettier-ignore

  const ill = (...lines: string[]) =>
    end({ exit: { ...exit, code: 1 }, tail: ['[runner] task 1', ...lines].join('\n') });
  const event = (value: object): string => JSON.stringify(value);
  test.each([
    ['[stderr] API Error: 529 {"type":"error"}'],
    ['unexpected status 503 Service Unavailable'],
    ['HTTP/1.1 502'],
    ['Error code: 429 - {}'],
    ['504 Gateway Timeout'],
    [event({ type: 'result', is_error: true, result: 'API Error: 500 something' })],
    [event({ type: 'error', message: 'http_status=520' })],
  ])('%s is trouble that passes', (line) => expect(ill('working', line)).toMatchObject({ is: 'again' }));
  test.each([
    ['at parse (line.js:512:9)'],
    ['took 523 ms'],
    ['error 503 ms late'],
    ['tests: 500 passed, 1 failed'],
    [event({ type: 'user', message: { content: [{ type: 'tool_result', content: 'HTTP 503: rate limit' }] } })],
    [event({ type: 'item.completed', item: { type: 'command_execution', aggregated_output: 'status 503' } })],
    [event({ type: 'item.completed', item: { type: 'agent_message', text: 'the log says HTTP 503' } })],
  ])('%s is not', (line) => expect(ill(line)).toMatchObject({ is: 'failed' }));
  test('nor is the rest of an event of which a tail has the end alone', () =>
    expect(end({ exit: { ...exit, code: 1 }, tail: 'log: HTTP 503"}]}}\nno' })).toMatchObject({ is: 'failed' }));

  test('its words are cut without half a pair, and without what a database refuses', () => {
    const pairs = '😀'.repeat(400);
    for (const outcome of [ill(pairs), ill(`${pairs}x`), ill(`HTTP 503 ${pairs}`), ill(`HTTP 503  ${pairs}`), end({ text: `\u0000${pairs.slice(1)}` })]) {
      const text = JSON.stringify(outcome);
      expect(text).toContain('😀');
      expect(text).not.toMatch(/\\u(0000|d[89a-f]..)/i);
    } // prettier-ignore
  });
});

describe('files of an agent', () => {
  test('a link, a folder or a pipe is no checkpoint; half of one is none yet', () => {
    const dir = join(folder, 'odd');
    mkdirSync(dir);
    const file = join(dir, 'checkpoint.json');
    expect(readCheckpoint(dir)).toBeNull();
    symlinkSync('/etc/passwd', file);
    expect(readPart(file, 0, 10)).toBeNull();
    expect(readCheckpoint(dir)).toBeNull();
    putFile(dir, 'checkpoint.json', '{"step": "a"');
    expect(readCheckpoint(dir)).toBeNull();
    putFile(dir, 'checkpoint.json', '{"step": "a", "status": "Running", "progress_pct": "41.7"}');
    expect(readCheckpoint(dir)).toEqual({ step: 'a', status: 'running', output: null, progress: 41 });
    rmSync(file);
    mkdirSync(file);
    putFile(dir, 'checkpoint.json', '{"step": "b", "status": "done"}');
    expect(readCheckpoint(dir)).toEqual({ step: 'b', status: 'done', output: null, progress: 0 });
  });

  test('no word of a checkpoint has what a database refuses', () => {
    const dir = join(folder, 'refused');
    mkdirSync(dir);
    const words = { step: 'a\u0000\ud83d', status: 'Wait\u0000ing', output: `${'x'.repeat(499)}😀` };
    putFile(dir, 'checkpoint.json', JSON.stringify(words));
    const output = `${'x'.repeat(499)}\uFFFD`;
    expect(readCheckpoint(dir)).toEqual({ step: 'a\uFFFD\uFFFD', status: 'wait\uFFFDing', output, progress: 0 });
  });

  test('a file is written whole where each call writes a little', () => {
    const { writeSync } = fs;
    const little = (fd: number, bytes: Buffer | string, at = 0): number => writeSync(fd, Buffer.from(bytes as string), at, Math.min(3, Buffer.byteLength(bytes) - at)); // prettier-ignore
    const spy = jest.spyOn(fs, 'writeSync').mockImplementation(little as unknown as typeof writeSync);
    const path = join(folder, 'whole.json');
    writeWhole(path, '{"code": "ä", "signal": null}');
    spy.mockRestore();
    expect(readFileSync(path, 'utf8')).toBe('{"code": "ä", "signal": null}');
  });

  test('what is written through a link of the agent does not leave its folder', () => {
    const [dir, outside] = [join(folder, 'in'), join(folder, 'out')];
    for (const d of [dir, outside]) mkdirSync(d);
    writeFileSync(join(outside, 'CLAUDE.md'), 'theirs');
    symlinkSync(outside, join(dir, '.claude'));
    putFile(dir, '.claude/CLAUDE.md', 'ours');
    expect(readPart(join(outside, 'CLAUDE.md'), 0, 100)?.bytes.toString()).toBe('theirs');
    expect(readPart(join(dir, '.claude/CLAUDE.md'), 0, 100)?.bytes.toString()).toBe('ours');
  });

  test('the last lines of a log, and what follows them', () => {
    const path = join(folder, 'log');
    expect(lastLines(path, 5)).toBeNull();
    writeFileSync(path, 'a\nb\nc\nhal');
    expect(lastLines(path, 2)).toEqual({ content: 'b\nc\n', next: 6 });
    expect(lastLines(path, 10)).toEqual({ content: 'a\nb\nc\n', next: 6 });
    expect(linesFrom(path, 6)).toEqual({ content: '', next: 6 });
    writeFileSync(path, 'a\nb\nc\nhalf\n');
    expect(linesFrom(path, 6)).toEqual({ content: 'half\n', next: 11 });
    expect(linesFrom(path, 11)).toEqual({ content: '', next: 11 });
    expect(linesFrom(path, 0, 3)).toEqual({ content: 'a\n', next: 2 });
    expect(linesFrom(path, 50)).toEqual({ content: '', next: 50 });
  });
});
