import { CronExpressionParser } from 'cron-parser';
import fc from 'fast-check';
import { calendarsOf, cronFault } from '../../api/contracts/agent-ops/cron';

test.each([
  ['99 * * * *', 'minute: 99 is not a number from 0 to 59'],
  ['* 24 * * *', 'hour: 24 is not a number from 0 to 23'],
  ['* * 0 * *', 'day of month: 0 is not a number from 1 to 31'],
  ['* * * FOO *', 'month: FOO is not a number from 1 to 12 or a name from JAN to DEC'],
  ['* * * * 1-8', 'day of week: 8 is not a number from 0 to 7 or a name from SUN to SAT'],
  ['* * * * JAN', 'day of week: JAN is not'],
  ['30-10 * * * *', 'minute: the range 30-10 ends before it begins'],
  ['*/0 * * * *', 'minute: */0 is not *, a value or a range'],
  ['*/5/5 * * * *', 'minute: */5/5 is not'],
  ['1, * * * *', 'minute: nothing is not'],
  ['-5 * * * *', 'minute: nothing is not'],
  ['0 0 30 2 *', 'day of month: no month that is named has such a day'],
  ['0 0 31 4,6 *', 'day of month: no month'],
  ['0 0 31 4 */1', 'day of month: no month'],
  ['0 0 8 * * MON', 'is not five fields (minute, hour, day of month, month, day of week)'],
  ['0 0 8 * * MON', 'without seconds'],
  ['every day', 'is not five fields'],
  ['@reboot', 'or one of @yearly'],
  ['@daily 0 0 1 1', 'is not five fields'],
  ['toString', 'is not five fields'],
  ['', 'is not five fields'],
  ['1e1 * * * *', 'minute: 1e1 is not'],
  ['٣ * * * *', 'minute: ٣ is not'],
])('%s is refused: %s', (expression, words) => {
  expect(cronFault(expression)).toContain(words);
});

test('a day is named by either field, and the week ends with Sunday as it begins', () => {
  const [ofMonth, ofWeek, none] = calendarsOf('30 8 1 * SAT-SUN');
  expect([ofMonth?.dayOfMonth, ofMonth?.dayOfWeek, ofWeek?.dayOfMonth, ofWeek?.dayOfWeek, none]).toEqual([
    [1], undefined, undefined, ['SATURDAY', 'SUNDAY'], undefined,
  ]); // prettier-ignore
  expect(calendarsOf('@weekly')).toMatchObject([{ minute: [0], hour: [0], dayOfWeek: ['SUNDAY'] }]);
});

/** Whether the other reader takes what never comes: to it a day of the week with a step is no `*`. */
function neverComes(expression: string, months: readonly number[], days: readonly (number | string)[]): boolean {
  const longest = Math.max(...months.map((month) => new Date(Date.UTC(2024, month, 0)).getUTCDate()));
  return expression.endsWith(' */1') && !days.some((day) => Number(day) <= longest);
}

const week = ['SUNDAY', 'MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY', 'SATURDAY'];

test('what it reads is what another reader of cron reads', () => {
  const field = (min: number, max: number, names: string[] = []) => {
    const value = fc.oneof(
      { arbitrary: fc.integer({ min, max }).map(String), weight: 4 },
      ...(names.length ? [fc.constantFrom(...names)] : []),
    );
    const range = fc
      .tuple(fc.integer({ min, max }), fc.integer({ min, max }))
      .map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`);
    const part = fc
      .tuple(fc.oneof(fc.constant('*'), value, range), fc.option(fc.integer({ min: 1, max: max - min })))
      .map(([what, step]) => (step === null ? what : `${what}/${step}`));
    return fc.oneof({ arbitrary: part, weight: 6 }, fc.tuple(part, part).map(String));
  };
  const expressions = fc
    .tuple(
      field(0, 59),
      field(0, 23),
      field(1, 31),
      field(1, 12, ['JAN', 'feb', 'Dec']),
      field(0, 7, ['SUN', 'mon', 'Sat']),
    )
    .map((fields) => fields.join(' '));
  let compared = 0;
  fc.assert(
    fc.property(expressions, (expression) => {
      let theirs;
      try {
        theirs = CronExpressionParser.parse(expression, { tz: 'UTC' }).fields;
      } catch {
        return; // it takes no value twice
      }
      if (neverComes(expression, theirs.month.values, theirs.dayOfMonth.values)) {
        expect(cronFault(expression)).toContain('no month');
        return;
      }
      compared += 1;
      const days = [...new Set(theirs.dayOfWeek.values.map((d) => Number(d) % 7))].sort();
      for (const { minute, hour, dayOfMonth, dayOfWeek } of calendarsOf(expression)) {
        expect([minute, hour]).toEqual([theirs.minute.values, theirs.hour.values]);
        // Of one month alone it leaves out the days that the month has not.
        if (dayOfMonth !== undefined && theirs.month.values.length > 1)
          expect(dayOfMonth).toEqual(theirs.dayOfMonth.values);
        const named = ((dayOfWeek ?? []) as string[]).map((day) => week.indexOf(day)).sort();
        if (dayOfWeek !== undefined) expect(named).toEqual(days);
      }
    }),
    { numRuns: 2_000 },
  );
  expect(compared).toBeGreaterThan(500);
});
