import { deviation, median, thresholdOf } from '../../../domain/logs/bursts';
import { analyse } from './analyse';
import { javaLog, START } from './generate';

const line = (second: number, text: string): string => `${new Date(START + second * 1000).toISOString()} ${text}`;

describe('bursts', () => {
  it('rests on statistics that a few wild buckets do not move', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([])).toBe(0);
    const steady = [10, 11, 9, 10, 12, 10, 9, 500];
    expect(deviation(steady, median(steady))).toBeLessThanOrEqual(1);
    expect(thresholdOf(steady)).toBeLessThan(30);
  });

  it('finds the burst of failures, its size and what it consists of', () => {
    const lines = Array.from({ length: 3600 }, (_, i) => line(i, 'INFO served'));
    lines.splice(1800, 0, ...Array.from({ length: 90 }, (_, i) => line(1800 + Math.floor(i / 9), 'ERROR disk gone')));
    const { bursts, onset, bucketSeconds } = analyse(lines).bursts;
    const [burst] = bursts.filter(({ of }) => of === 'failures');
    expect(burst).toMatchObject({ events: 90, usual: 0, templates: [{ text: 'disk gone', events: 90 }] });
    expect(bucketSeconds).toBe(10);
    expect(onset).toMatchObject({ at: '2024-03-04T06:30:00Z' });
  });

  it('sees no burst in failures that come at a steady rate', () => {
    const lines = Array.from({ length: 3600 }, (_, i) => line(i, i % 6 === 0 ? 'ERROR late' : 'INFO served'));
    expect(analyse(lines).bursts.bursts).toEqual([]);
  });

  it('finds a silence where the log is usually busy, and none in a log that is sparse', () => {
    const busy = Array.from({ length: 2400 }, (_, i) => line(i < 1200 ? i : i + 600, 'INFO served'));
    expect(analyse(busy).bursts.gaps[0]).toMatchObject({ seconds: 601 });
    const sparse = Array.from({ length: 30 }, (_, i) => line(i * i * 60, 'INFO tick'));
    expect(analyse(sparse).bursts.gaps).toEqual([]);
  });

  it('names what changed shortly before failures set in', () => {
    const { onset, changes } = analyse(javaLog(6, 2000, 1200)).bursts;
    expect(onset?.at).toBe('2024-03-04T06:20:00');
    expect(changes[0]).toMatchObject({ kind: 'lifecycle', secondsBeforeOnset: 8 });
    expect(changes[0]?.text).toMatch(/^deployed version/);
  });

  it('says so when the failures are older than the log', () => {
    const lines = Array.from({ length: 600 }, (_, i) => line(i, 'ERROR late'));
    expect(analyse(lines).bursts.notes.join(' ')).toMatch(/from the start of the log/);
  });

  it('knows no rate where there are no times', () => {
    expect(analyse(['failed', 'failed again']).bursts).toMatchObject({
      bucketSeconds: null,
      onset: null,
      notes: [expect.stringMatching(/no rate|unknown/i) as string],
    });
  });
});
