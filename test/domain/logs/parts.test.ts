import fc from 'fast-check';
import { LogAnalysis } from '../../../domain/logs/analysis';
import { Masker, scopeOf } from '../../../domain/logs/mask';
import { Reader } from '../../../domain/logs/reader';
import { parseQuery, Search } from '../../../domain/logs/search';
import { showTime } from '../../../domain/logs/clock';

const read = (line: string) => {
  const reading = new Reader().read(line);
  if (reading.kind !== 'record') throw new Error(`no record: ${line}`);
  const { format, level, host, process, message, stamp } = reading.parsed;
  return { format, level, host, process, message, time: stamp && showTime(stamp.ms, stamp.zoned, stamp.dated) };
};

describe('lines', () => {
  it.each([
    [
      'Jun 14 15:16:01 combo sshd(pam_unix)[19939]: check pass',
      { format: 'syslog', host: 'combo', process: 'sshd(pam_unix)', message: 'check pass', time: '06-14T15:16:01' },
    ],
    [
      '<34>1 2003-10-11T22:14:15.003Z mx su - ID47 - su root failed',
      {
        format: 'syslog',
        level: 'critical',
        host: 'mx',
        process: 'su',
        message: 'su root failed',
        time: '2003-10-11T22:14:15.003Z',
      },
    ],
    [
      '[Sun Dec 04 04:47:44 2005] [error] mod_jk child',
      { format: 'apache error', level: 'error', message: 'mod_jk child', time: '2005-12-04T04:47:44' },
    ],
    [
      '[Wed Oct 11 14:32:52.123456 2023] [core:error] [pid 1:tid 2] [client 192.0.2.1:99] AH1: no',
      { format: 'apache error', process: 'core', message: 'AH1: no', time: '2023-10-11T14:32:52.123' },
    ],
    [
      '2023/10/11 15:04:05 [error] 12#0: *5 connect() failed',
      { format: 'nginx error', level: 'error', message: 'connect() failed', time: '2023-10-11T15:04:05' },
    ],
    [
      '192.0.2.1 - bob [10/Oct/2023:13:55:36 -0700] "GET /a?b=c HTTP/1.1" 404 2 "-" "x"',
      { format: 'access log', level: 'warning', message: 'GET /a -> 404', time: '2023-10-10T20:55:36Z' },
    ],
    [
      'nova-api.log.1.2017-05-16_13:53:08 2017-05-16 00:00:00.008 257 INFO nova.api [req-1 - -] hello',
      { format: 'iso time', level: 'info', process: 'nova.api', message: 'hello', time: '2017-05-16T00:00:00.008' },
    ],
    [
      '2024-05-01T10:00:05.123Z  WARN 1 --- [main] c.f.Bar : slow',
      { format: 'iso time', level: 'warning', process: 'c.f.Bar', message: 'slow', time: '2024-05-01T10:00:05.123Z' },
    ],
    ['2024-05-01 10:00:05,5+02:00 ERROR x', { level: 'error', message: 'x', time: '2024-05-01T08:00:05.500Z' }],
    [
      'E0102 15:04:05.123456  1 kubelet.go:12] pull failed',
      { format: 'klog', level: 'error', process: 'kubelet.go', message: 'pull failed', time: '01-02T15:04:05.123' },
    ],
    ['1714557602.5 something', { format: 'epoch', message: 'something', time: '2024-05-01T10:00:02.500Z' }],
    [
      'ts=2024-05-01T10:00:02Z level=warn msg="slow query"',
      { format: 'logfmt', level: 'warning', message: 'slow query' },
    ],
    [
      '{"time":1714557602123,"level":50,"msg":"boom","err":{"type":"TypeError","message":"x"}}',
      { format: 'json', level: 'error', message: 'boom: TypeError: x' },
    ],
    ['ERROR: nothing else', { format: 'plain', level: 'error', message: 'nothing else', time: null }],
    ['constructor', { format: 'plain', level: null, message: 'constructor' }],
  ])('%s', (line, expected) => {
    expect(read(line)).toMatchObject(expected);
  });

  it('follows a log without years over the turn of the year', () => {
    const analysis = new LogAnalysis();
    for (const at of ['Dec 31 23:59:58', 'Dec 31 23:59:59', 'Jan  1 00:00:01']) analysis.add(`${at} h app: tick`);
    expect(analysis.finish().profile).toMatchObject({
      first: '12-31T23:59:58',
      last: '01-01T00:00:01',
      spanSeconds: 3,
      outOfOrder: 0,
    });
  });

  it('never fails and never claims more lines than there are', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 200 }), { maxLength: 40 }), (lines) => {
        const analysis = new LogAnalysis();
        for (const line of lines) analysis.add(line);
        const report = analysis.finish();
        expect(report.profile.lines).toBe(lines.length);
        expect(report.errors.failingLines).toBeLessThanOrEqual(lines.length);
        expect(JSON.parse(JSON.stringify(report))).toEqual(report);
      }),
    );
  });
});

describe('masks', () => {
  it.each([
    ['Failed password for root from 192.0.2.1 port 42 ssh2', 'Failed password for root from <ip> port <num> ssh2'],
    ['connect to 10.0.0.5:5432 failed.', 'connect to <ip>:<num> failed.'],
    ['from 192.0.2.1: 11: Bye', 'from <ip>: <num>: Bye'],
    ['via fe80::1 and 2001:db8:0:1:1:1:1:1', 'via <ip> and <ip>'],
    ['at 12:30:15 took 3.5ms', 'at <num>:<num>:<num> took <num>ms'],
    ['req-9bc36dd9-91c5-4314-898a-47625eb93b09', 'req-<uuid>'],
    ['digest 0xdeadbeef and 4e40cdbaed9335e4', 'digest <hex> and <hex>'],
    ['open /etc/httpd/a.conf HTTP/1.1', 'open <path> HTTP/<num>'],
    ['jk2_init() sda1 a/b', 'jk2_init() sda1 a/b'],
    ['rhost=5.36.59.76.dsl.example.om', 'rhost=<num>.dsl.example.om'],
  ])('%s', (text, expected) => {
    expect(new Masker().mask(text, [])).toBe(expected);
  });

  it('hands out the addresses it masked', () => {
    const addresses: string[] = [];
    new Masker().mask('from 192.0.2.1 to 10.0.0.5:80 by ::1', addresses);
    expect(addresses).toEqual(['192.0.2.1', '10.0.0.5', '::1']);
    expect(addresses.map(scopeOf)).toEqual(['public', 'private', 'loopback']);
  });
});

describe('search', () => {
  const find = (query: string, lines: string[]): number => {
    const search = new Search(parseQuery(query), 10);
    for (const line of lines) search.add(line);
    return search.total;
  };

  it('wants every word, in whatever case, and phrases as they are', () => {
    expect(find('failed ROOT', ['Failed password for root', 'failed for bob', 'root'])).toBe(1);
    expect(find('"password for"', ['Failed password for root', 'for password'])).toBe(1);
    expect(find('   ', ['anything'])).toBe(0);
  });

  it('takes addresses and numbers as a whole, and no patterns', () => {
    expect(find('1.2.3.4', ['from 1.2.3.4 port', '11.2.3.4', '1.2.3.45', 'at 1.2.3.4.', '1.2.3.4:80'])).toBe(3);
    expect(find('.*', ['abc', 'a.*b'])).toBe(1);
  });

  it('counts all and keeps the first', () => {
    const search = new Search(parseQuery('x'), 2);
    for (let i = 0; i < 5; i++) search.add(`x ${i}`);
    expect(search).toMatchObject({
      total: 5,
      matches: [
        { line: 1, text: 'x 0' },
        { line: 2, text: 'x 1' },
      ],
    });
  });
});
