import { createReadStream, statSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { analyseFile, logToolArgs, logTools, searchFile, type LogFile } from '../../../pipeline/tools/logs';
import { sshLog } from '../../domain/logs/generate';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'logs-'));
});
afterAll(() => rm(folder, { recursive: true }));

const at = (path: string): LogFile => ({
  sizeBytes: statSync(path, { throwIfNoEntry: false })?.size ?? 0,
  read: (range) => Promise.resolve(createReadStream(path, range)),
});
const file = async (name: string, content: string | Buffer): Promise<LogFile> => {
  await writeFile(join(folder, name), content);
  return at(join(folder, name));
};

describe('reading a log file', () => {
  const { lines } = sshLog(1, { '198.51.100.7': 60 });

  it.each([
    ['LF and no end', lines.join('\n')],
    ['CRLF', lines.map((line) => `${line}\r\n`).join('')],
    ['a byte order mark', `\uFEFF${lines.join('\n')}\n`],
    ['UTF-16', Buffer.from(`\uFEFF${lines.join('\r\n')}`, 'utf16le')],
  ])('gives the same lines with %s', async (name, content) => {
    const report = await analyseFile(await file(name, content));
    expect(report.profile).toMatchObject({
      lines: lines.length,
      records: lines.length,
      unreadableLines: 0,
      cutLines: 0,
    });
    expect(report.sources.addresses[0]?.value).toBe('198.51.100.7');
  });

  it('reads lines and characters that lie across two chunks', async () => {
    const long = Array.from(
      { length: 9000 },
      (_, i) => `2024-03-04T06:00:00Z ERROR größter anzunehmender Unfall in Werk ${i}`,
    );
    const report = await analyseFile(await file('chunks', long.join('\n')));
    expect(report.profile).toMatchObject({ lines: 9000, damagedLines: 0, templates: 1 });
  });

  it('does not keep one giant line in memory', async () => {
    const path = await file('giant', `first\n${'x'.repeat(5_000_000)}\nlast`);
    expect((await analyseFile(path)).profile).toMatchObject({ lines: 3, cutLines: 1 });
    expect(await searchFile(path, 'last', 5)).toMatchObject({ total: 1, matches: [{ line: 3, text: 'last' }] });
  });

  it.each([
    ['compressed', Buffer.from('1f8b0800000000000003', 'hex'), 'compressed'],
    ['binary', Buffer.from([127, 69, 76, 70, 2, 1, 0, 0, 0]), 'binary'],
    ['empty', '', 'utf-8'],
  ])('claims nothing of a file that is %s', async (name, content, encoding) => {
    const path = await file(name, content);
    expect((await analyseFile(path)).profile).toMatchObject({ encoding, records: 0, bytes: content.length });
    expect(await searchFile(path, 'a', 5)).toMatchObject({ total: 0 });
  });

  it('stops when it is told to, and says when there is no file', async () => {
    const path = await file('stop', lines.join('\n'));
    await expect(analyseFile(path, { signal: AbortSignal.abort() })).rejects.toThrow(/abort/i);
    await expect(analyseFile(at(join(folder, 'none')))).rejects.toThrow(/ENOENT/);
  });

  it('mines a file once, whichever tool asks', async () => {
    const named = { ...(await file('once', lines.join('\n'))), sha256: 'ab'.repeat(32) };
    const attachment_id = '0190a000-0000-7000-8000-000000000001';
    const profile = await logTools['logs.profile'](named, { attachment_id });
    await rm(join(folder, 'once'));
    expect(await logTools['logs.sources'](named, { attachment_id })).toMatchObject({ kind: 'logs.sources' });
    expect(profile.lines).toBe(lines.length);
  });

  it('names the argument that is wrong', () => {
    expect(logToolArgs['logs.search'].safeParse({ attachment_id: 'x', query: 'a' }).error?.issues[0]?.path).toEqual([
      'attachment_id',
    ]);
    expect(
      logToolArgs['logs.templates'].safeParse({ attachment_id: '0190a000-0000-7000-8000-000000000001', limit: 0 })
        .success,
    ).toBe(false);
  });
});
