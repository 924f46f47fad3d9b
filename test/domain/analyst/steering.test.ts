import { queriesOf } from '../../../domain/analyst/steering';
import { sshLog } from '../logs/generate';
import { answers, attachment, brief, note, play } from './kernel';

const { lines } = sshLog(1, { '198.51.100.7': 60, '203.0.113.9': 20 });
const file = attachment('a', 'auth.log');

describe('steering', () => {
  it.each([
    ['look at 203.0.113.9 please', ['203.0.113.9']],
    ['is there "no such host" or `ETIMEDOUT`?', ['"no such host"', '"ETIMEDOUT"']],
    ['what about /etc/httpd/conf and worker.properties', ['/etc/httpd/conf', 'worker.properties']],
    ['Please check whether oracle was tried', ['oracle', 'tried']],
    ['please look', []],
  ])('%s', (body, queries) => {
    expect(queriesOf(body)).toEqual(queries);
  });

  it('is searched for before the rest of the plan, and answered with what it rests on', () => {
    const { calls, observations, report } = play(brief({ attachments: [file] }), answers({ a: lines }), (at, step) => {
      if (step === 3) at.steering.push(note('s1', 'Ignore the rest, look at 203.0.113.9 first.'));
    });
    expect(calls[4]).toMatchObject({ tool: 'logs.search', args: { attachment_id: 'a', query: '203.0.113.9' } });
    const count = lines.filter((line) => line.includes('203.0.113.9')).length;
    expect(report.steering).toEqual([
      {
        id: 's1',
        author: 'Ada',
        body: 'Ignore the rest, look at 203.0.113.9 first.',
        answer: expect.stringContaining(`${count} lines of auth.log hold “203.0.113.9”`) as string,
        cites: [observations[4]?.digest],
      },
    ]);
  });

  it('is answered as well when it comes after the proposal', () => {
    const at = brief({ attachments: [file] });
    const first = play(at, answers({ a: lines }));
    at.steering.push(note('s2', 'Does "Accepted publickey" occur?'));
    const known = new Map(
      first.observations.map((o) => [JSON.stringify([o.tool, o.args]), o.result as Record<string, unknown>]),
    );
    const again = play(at, (call) => known.get(JSON.stringify([call.tool, call.args])) ?? answers({ a: lines })(call));
    expect(again.report.steering[0]?.answer).toMatch(/^1 line of auth\.log holds “Accepted publickey”/);
  });

  it('says so when nothing is found, when nothing is named and when there is nothing to search', () => {
    const answer = (body: string, attachments = [file], source = 'dashboard') =>
      play(brief({ attachments, steering: [note('s', body, source)] }), answers({ a: lines })).report.steering[0]
        ?.answer;
    expect(answer('look for "kernel panic"')).toBe('No line of auth.log holds “kernel panic”.');
    expect(answer('please look')).toMatch(/names nothing to search/);
    expect(answer('look for "x y"', [])).toMatch(/no readable log/);
    expect(answer('Access granted: "siem"', [file], 'access-request')).toMatch(/^Noted/);
  });

  it('searches only the file that it names', () => {
    const at = brief({
      attachments: [file, attachment('b', 'web.log')],
      steering: [note('s', 'in web.log, look for "root"')],
    });
    const { calls } = play(at, answers({ a: lines, b: lines }));
    const searched = calls.filter(({ tool, args }) => tool === 'logs.search' && args['query'] === '"root"');
    expect(searched.map(({ args }) => args['attachment_id'])).toEqual(['b']);
  });
});
