import type { LogReport } from '../../../domain/logs/types';
import { analyse } from './analyse';
import { accessLog, apacheLog, javaLog, jsonLog, logfmtLog, sshLog } from './generate';

const signal = (report: LogReport, id: string) => report.errors.signals.find((found) => found.id === id);

describe('an SSH log under attack', () => {
  const attackers = { '198.51.100.7': 240, '203.0.113.9': 80, '192.0.2.77': 12 };
  const { lines, attempts, logLines } = sshLog(1, attackers);
  const report = analyse(lines);

  it('counts attempts and lines of every address exactly', () => {
    for (const address of Object.keys(attackers)) {
      const source = report.sources.addresses.find(({ value }) => value === address);
      const category = source?.categories.find(({ id }) => id === 'auth.failed_password');
      expect(category).toMatchObject({ events: attempts.get(address), lines: logLines.get(address) });
      expect(source?.lines).toBe(lines.filter((line) => line.includes(address)).length);
    }
    expect(report.sources.exact).toBe(true);
  });

  it('tells attempts from lines where the logger folded repetitions', () => {
    const total = signal(report, 'auth.failed_password');
    expect(total?.events).toBe([...attempts.values()].reduce((a, b) => a + b, 0));
    expect(total?.lines).toBe(lines.filter((line) => line.includes('Failed password')).length);
    expect(total?.events).toBeGreaterThan(total?.lines ?? 0);
  });

  it('names who logged in, and how often that address had failed before', () => {
    expect(report.sources.logins).toEqual([
      {
        user: 'deploy',
        address: '192.0.2.10',
        events: 1,
        first: expect.any(String) as string,
        failuresOfAddressBefore: 0,
        failuresOfUserBefore: 0,
      },
    ]);
    const broken = analyse(sshLog(2, { '198.51.100.7': 40 }, '198.51.100.7').lines);
    const login = broken.sources.logins.find(({ address }) => address === '198.51.100.7');
    expect(login).toMatchObject({ user: 'root', failuresOfAddressBefore: 40 });
  });

  it('claims no year and no zone that the log does not name', () => {
    expect(report.profile.first).toMatch(/^03-04T06:00:\d\d$/);
  });

  it('mines the templates of sshd', () => {
    const texts = report.templates.map(({ text }) => text);
    expect(texts).toContain('Invalid user <*> from <ip>');
    expect(texts).toContain('Failed password for root from <ip> port <num> ssh2');
  });
});

describe('the error log of Apache', () => {
  const states = { 6: 120, 7: 40, 8: 9 };
  const report = analyse(apacheLog(3, states));

  it('names the failing worker and counts its states', () => {
    const [worker] = signal(report, 'worker.error_state')?.subjects ?? [];
    expect(worker).toMatchObject({ value: 'mod_jk child workerEnv', events: 169 });
    expect(worker?.details.top).toEqual(Object.entries(states).map(([value, count]) => ({ value, count })));
  });

  it('reads year, level and client', () => {
    expect(report.profile.formats[0]?.value).toBe('apache error');
    expect(report.profile.first).toMatch(/^2024-03-04T06:/);
    expect(signal(report, 'access.forbidden')?.subjects[0]?.value).toBe('/var/www/html/');
    expect(report.sources.addresses.some(({ value }) => value === '203.0.113.0')).toBe(true);
  });

  it('keeps the distribution of what varies in a template', () => {
    const template = report.templates.find(({ text }) => text.endsWith('in error state <num>'));
    expect(template?.parameters[0]?.values.top[0]).toEqual({ value: '6', count: 120 });
  });
});

describe('application logs', () => {
  it('folds a stack trace into its record and counts the exceptions in it', () => {
    const report = analyse(javaLog(4, 300, 150));
    const records = 50;
    expect(report.errors.failingEvents).toBe(records);
    expect(report.profile.continuationLines).toBe(records * 5);
    const classes = signal(report, 'exception')?.subjects.map(({ value, events }) => [value, events]);
    expect(classes).toEqual([
      ['java.lang.IllegalStateException', records],
      ['java.net.ConnectException', records],
    ]);
    expect(signal(report, 'net.refused')?.subjects[0]?.value).toBe('db-1.internal:5432');
  });

  it('reads JSON lines with their error and address', () => {
    const report = analyse(jsonLog(200, 4));
    expect(report.profile.formats).toEqual([{ value: 'json', count: 200 }]);
    expect(signal(report, 'net.refused')).toMatchObject({
      events: 50,
      subjects: [{ value: '10.0.0.5:5432', events: 50 }],
    });
    expect(report.profile.last).toBe('2024-03-04T06:03:19Z');
    expect(report.sources.addresses.length).toBe(10);
  });

  it('reads logfmt and access logs', () => {
    expect(analyse(logfmtLog(100)).errors).toMatchObject({ failingEvents: 10 });
    const access = analyse(accessLog(100, 7));
    expect(signal(access, 'http.server_error')).toMatchObject({
      events: 7,
      subjects: [{ value: 'GET /api/orders', events: 7 }],
    });
  });

  it('believes a level: the word error in an info line is no failure', () => {
    const at = '2024-03-04T06:00:00Z';
    const report = analyse([
      `${at} INFO retry after error handled`,
      `${at} INFO 0 errors, no failures`,
      `${at} DEBUG read timeout=30`,
    ]);
    expect(report.errors.failingEvents).toBe(0);
  });

  it('goes by words where there is no level, and knows what "no errors" means', () => {
    const report = analyse([
      'backup finished without errors',
      'checked 12 files, 0 errors',
      'backup failed: tape jammed',
    ]);
    expect(report.errors.failingLines).toBe(1);
    expect(report.errors.firstFailure?.line).toBe(3);
  });
});

describe('anything else', () => {
  it.each([
    ['nothing', []],
    ['blank lines', ['', '  ', '\r']],
    ['NUL bytes', ['\0\0\0\u0001\u0002', '\uFFFD\uFFFD\uFFFD']],
  ])('claims nothing of %s', (_, lines) => {
    const report = analyse(lines);
    expect(report.profile).toMatchObject({ lines: lines.length, records: 0, first: null });
    expect(report.errors).toMatchObject({ failingEvents: 0, firstFailure: null, signals: [] });
    expect(report.bursts).toMatchObject({ onset: null, bursts: [] });
  });

  it('strips line ends and terminal colours', () => {
    const escape = String.fromCharCode(27);
    const report = analyse([`2024-03-04T06:00:00Z ${escape}[31mERROR${escape}[0m disk gone\r`]);
    expect(report.templates[0]).toMatchObject({ text: 'disk gone', levels: [{ value: 'error', count: 1 }] });
  });

  it('reads text in a foreign encoding and says what it could not decode', () => {
    const report = analyse(['2024-03-04T06:00:00Z ERROR Zugriff f\uFFFDr J\uFFFDrgen verweigert']);
    expect(report.profile).toMatchObject({ records: 1, damagedLines: 1, unreadableLines: 0 });
    expect(report.profile.cuts[0]).toMatch(/could not be decoded/);
  });

  it('counts "last message repeated" as more of the line before', () => {
    const report = analyse([
      'Mar  4 06:00:00 h sshd[1]: Failed password for root from 192.0.2.1 port 1 ssh2',
      'Mar  4 06:00:05 h last message repeated 4 times',
    ]);
    expect(signal(report, 'auth.failed_password')).toMatchObject({ events: 5, lines: 2 });
  });

  it('gives the same report for the same log', () => {
    const { lines } = sshLog(5, { '198.51.100.7': 60 });
    expect(JSON.stringify(analyse(lines))).toBe(JSON.stringify(analyse(lines)));
  });
});
