import { Counter } from '../../../domain/logs/counter';
import * as project from '../../../domain/logs/project';
import { analyse } from './analyse';
import { random, sshLog } from './generate';

const word = (next: () => number): string =>
  Array.from({ length: 8 }, () => String.fromCharCode(97 + Math.floor(next() * 26))).join('');

describe('bounded memory', () => {
  it('keeps what is frequent and says that counts are lower bounds', () => {
    const counter = new Counter(10);
    for (let i = 0; i < 5000; i++) {
      counter.add(`rare ${i}`);
      if (i % 2 === 0) counter.add('frequent');
    }
    const { exact, top } = counter.values(1);
    expect(exact).toBe(false);
    expect(top[0]?.value).toBe('frequent');
    expect(top[0]?.count).toBeLessThanOrEqual(2500);
    expect(counter.size).toBeLessThan(20);
  });

  it('stops telling templates apart at the cap and says how much that concerns', () => {
    const next = random(7);
    const lines = Array.from({ length: 500 }, () => Array.from({ length: 6 }, () => word(next)).join(' '));
    const report = analyse(lines, { maxTemplates: 20 });
    expect(report.profile.templates).toBe(20);
    expect(report.profile.cuts.join(' ')).toMatch(/480 events belong to no template/);
  });

  it('forgets rare sources, not the busy one', () => {
    const lines = Array.from({ length: 25_000 }, (_, i) => {
      const address = i % 5 === 0 ? '198.51.100.7' : `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`;
      return `Mar  4 06:00:00 h sshd[1]: Failed password for root from ${address} port 1 ssh2`;
    });
    const { sources } = analyse(lines);
    expect(sources.exact).toBe(false);
    expect(sources.addresses[0]).toMatchObject({ value: '198.51.100.7', failingEvents: 5000 });
    expect(sources.addresses.length).toBeLessThanOrEqual(200);
  });

  it('reads only the beginning of an endless line', () => {
    const report = analyse(['x'.repeat(100_000)], { maxLineLength: 1000 });
    expect(report.profile).toMatchObject({ lines: 1, cutLines: 1 });
    expect(JSON.stringify(report).length).toBeLessThan(5000);
  });

  it('answers with less than 32 kB, whatever the log', () => {
    const attackers = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`198.51.${i >> 8}.${i & 255}`, 6]));
    const next = random(8);
    const noise = Array.from(
      { length: 2000 },
      (_, i) => `Mar  4 06:00:00 h app${i % 90}: ${word(next)} failed: ${'é"\\'.repeat(200)} ${word(next)}`,
    );
    const report = analyse([...sshLog(9, attackers).lines, ...noise]);
    const results = [
      project.profileResult(report),
      project.templatesResult(report, 200),
      project.errorsResult(report),
      project.burstsResult(report),
      project.sourcesResult(report),
    ];
    for (const result of results) expect(Buffer.byteLength(JSON.stringify(result))).toBeLessThan(32 * 1024);
    expect(project.sourcesResult(report).omitted).toBeGreaterThan(0);
    expect(project.sourcesResult(report).categories).toContainEqual({ id: 'auth.failed_password', addresses: 300 });
  });
});
