import { analyst } from '../../../domain/analyst/analyst';
import { ReportSchema } from '../../../domain/report.schema';
import { accessLog, apacheLog, javaLog, jsonLog, sshLog } from '../logs/generate';
import { answers, attachment, brief, note, play } from './kernel';

const on = (filename: string, lines: readonly string[], over: Parameters<typeof brief>[0] = {}) =>
  play(brief({ attachments: [attachment('a', filename)], ...over }), answers({ a: lines }));

describe('the embedded analyst', () => {
  it('names the attacking addresses of an SSH log with their counts', () => {
    const { lines, attempts } = sshLog(1, { '198.51.100.7': 240, '203.0.113.9': 80, '192.0.2.77': 12 });
    const { report, calls } = on('auth.log', lines);
    const [leading] = report.hypotheses;
    expect(leading?.statement).toMatch(/^Password guessing/);
    for (const [address, count] of attempts) expect(leading?.statement).toContain(`${address} (${count})`);
    const table = report.tables.find(({ title }) => title.startsWith('Failed logins by source'));
    expect(table?.rows.map(([address, count]) => [address, count])).toEqual([...attempts]);
    expect(
      report.claims.some(({ statement }) => statement.startsWith('198.51.100.7: 240 failed password attempts')),
    ).toBe(true);
    expect(
      report.claims.some(({ statement }) => statement.startsWith('No source with 5 or more failed attempts logged in')),
    ).toBe(true);
    expect(calls.length).toBeLessThanOrEqual(20);
  });

  it('puts a login that follows many failures before everything else', () => {
    const { report } = on('auth.log', sshLog(2, { '198.51.100.7': 90 }, '198.51.100.7').lines);
    expect(report.hypotheses[0]?.statement).toMatch(
      /^Possible compromise: 198\.51\.100\.7 logged in as root .* after 90 failed attempts/,
    );
  });

  it('names the failing worker of a web server, and its error states with their counts', () => {
    const { report } = on('error_log', apacheLog(3, { 6: 120, 7: 40, 8: 9 }));
    expect(report.hypotheses[0]?.statement).toContain(
      'mod_jk child workerEnv was logged in an error state 169 times: state 6 (120), state 7 (40), state 8 (9)',
    );
    expect(report.hypotheses[0]?.confidence).toBeGreaterThan(0.7);
    expect(report.tables.find(({ title }) => title.startsWith('Workers'))?.rows).toContainEqual([
      'mod_jk child workerEnv',
      '7',
      40,
    ]);
  });

  it('explains other logs by what they say: a dependency, a change before the onset, failing requests', () => {
    const java = on('app.log', javaLog(4, 2000, 1200)).report.hypotheses.map(({ statement }) => statement);
    expect(java[0]).toMatch(/^A dependency refuses connections: .*db-1\.internal:5432/);
    expect(java.join('\n')).toMatch(/8 s after a start, stop or change of a service: “deployed version/);
    expect(on('app.jsonl', jsonLog(400, 4)).report.hypotheses[0]?.statement).toContain('10.0.0.5:5432 (100)');
    expect(on('access.log', accessLog(300, 60)).report.hypotheses[0]?.statement).toMatch(
      /^The service fails on requests: .*60 times/,
    );
  });

  it('is inconclusive where the evidence carries no explanation', () => {
    const { report } = on('app.log', jsonLog(300, 1000).slice(1));
    expect(report.hypotheses).toEqual([]);
    expect(report.summary).toMatch(/Inconclusive/);
  });

  it('cites a recorded observation for every claim, table and reference, within the bounds of a report', () => {
    const { report, observations } = on('auth.log', sshLog(1, { '198.51.100.7': 240 }).lines);
    const recorded = new Set(observations.map(({ digest }) => digest));
    const cited = [...report.claims, ...report.hypotheses, ...report.tables, ...report.references];
    expect(cited.length).toBeGreaterThan(10);
    for (const { cites } of cited) {
      expect(cites.length).toBeGreaterThan(0);
      expect(cites.every((digest) => recorded.has(digest))).toBe(true);
    }
    expect(ReportSchema.parse(report)).toEqual(report);
  });

  it('decides from brief and observations alone', () => {
    const at = brief({ attachments: [attachment('a', 'auth.log')] });
    const { observations, calls, proposal } = play(at, answers({ a: sshLog(1, { '198.51.100.7': 40 }).lines }));
    observations.forEach((_, i) => expect(analyst.next(at, observations.slice(0, i))).toEqual(calls[i]));
    expect(analyst.next(structuredClone(at), structuredClone(observations))).toEqual(proposal);
  });

  it('always ends by proposing to publish its report, also when there is nothing to read', () => {
    const { proposal, report, calls } = play(brief(), answers({}));
    expect(proposal).toMatchObject({
      action: 'publish_static_site',
      tool: 'site.publish',
      target: 'ticket-12-agent-3',
      args: { slug: 'ticket-12-agent-3' },
    });
    expect(report.limits.join(' ')).toMatch(/No log is attached/);
    expect(calls.map(({ tool }) => tool)).toEqual([
      'tickets.related',
      'knowledge.search',
      'blueprints.match',
      'tickets.note',
    ]);
  });

  it.each([
    ['an empty file', [], /is empty/],
    ['blank lines', ['', ''], /blank lines only/],
    ['junk', ['\0\u0001\0', '\uFFFD\uFFFD\uFFFD'], /no line that could be read/],
  ])('says what it lacks on %s', (_, lines, limit) => {
    const { report, calls } = on('x.bin', lines);
    expect(report.limits.join(' ')).toMatch(limit);
    expect(report.hypotheses).toEqual([]);
    expect(calls.filter(({ tool }) => tool.startsWith('logs.')).length).toBe(1);
  });

  it('reads the first attachments and names the others', () => {
    const files = ['a', 'b', 'c', 'd', 'e'].map((id) => attachment(id, `${id}.log`));
    const stored = files.map((file) => ({ ...file, stored: file.id !== 'a' }));
    const lines = sshLog(1, { '198.51.100.7': 20 }).lines;
    const { report, calls } = play(brief({ attachments: stored }), answers({ b: lines, c: lines, d: lines, e: lines }));
    expect(new Set(calls.map(({ args }) => args['attachment_id']).filter(Boolean))).toEqual(new Set(['b', 'c', 'd']));
    expect(report.limits.join(' ')).toMatch(/a\.log: only its description.*not read: e\.log/);
  });

  it('takes a refusal as a limit and asks no second time', () => {
    const refusing = answers(
      { a: sshLog(1, { '198.51.100.7': 40 }).lines },
      { 'logs.sources': () => null, 'tickets.note': () => null },
    );
    const { report, calls } = play(brief({ attachments: [attachment('a', 'auth.log')] }), refusing);
    expect(calls.filter(({ tool }) => tool === 'logs.sources').length).toBe(1);
    expect(calls.filter(({ tool }) => tool === 'tickets.note').length).toBe(1);
    expect(report.limits.join(' ')).toMatch(/logs\.sources was not carried out: the decision was deny/);
    expect(report.claims.length).toBeGreaterThan(0);
  });

  it('proposes in the end even when everything is refused', () => {
    const { report } = play(
      brief({ attachments: [attachment('a', 'auth.log')], ticket: { title: 'the siem' } }),
      () => null,
    );
    expect(report.claims).toEqual([]);
    expect(report.summary).toMatch(/Inconclusive/);
  });

  it('names blueprints, articles and tickets that are known', () => {
    const known = answers(
      {},
      {
        'blueprints.match': () => ({
          blueprints: [
            {
              id: 7,
              name: 'Incident ssh workflow',
              workflow_key: 'k',
              version: 2,
              status: 'draft',
              score: 0.7,
              why: 'It has the same key k.',
            },
          ],
        }),
        'knowledge.search': () => ({ articles: [{ id: 3, title: 'Brute force', snippet: '…', score: 0.4 }] }),
        'tickets.related': () => ({ tickets: [{ id: 5, title: 'Last week', status: 'closed', score: 0.6 }] }),
      },
    );
    const { report } = play(brief(), known);
    expect(report.references.map(({ kind, id }) => `${kind} ${id}`)).toEqual(['blueprint 7', 'article 3', 'ticket 5']);
    expect(report.claims[0]?.statement).toMatch(
      /matches known blueprint #7 “Incident ssh workflow” \(draft, version 2\)\. It has the same key/,
    );
    expect(report.summary).toMatch(/matches known blueprint #7/);
  });

  it('matches blueprints when the errors are known', () => {
    const tools = on('auth.log', sshLog(1, { '198.51.100.7': 40 }).lines).calls.map(({ tool }) => tool);
    expect(tools.indexOf('blueprints.match')).toBeGreaterThan(tools.indexOf('logs.errors'));
  });

  it('ends after a bounded number of calls, however much is asked of it', () => {
    const lines = sshLog(1, { '198.51.100.7': 20 }).lines;
    const chatty = brief({ attachments: ['a', 'b', 'c'].map((id) => attachment(id, `${id}.log`)) });
    const { calls } = play(chatty, answers({ a: lines, b: lines, c: lines }), (at, step) =>
      at.steering.push(note(`n${step}`, `look for "word ${step}"`)),
    );
    expect(calls.length).toBeLessThanOrEqual(61);
  });
});
