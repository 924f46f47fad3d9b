import { z } from 'zod';

// What many declarations share.

/** From when on, and until when, in ms: what the database takes as it is written here, with four digits of the year in UTC. */
const [first, last] = [Date.parse('0001-01-01T00:00:00Z'), Date.parse('9999-12-31T23:59:59.999Z')];
const hasFourDigits = (t: string): boolean => Date.parse(t) >= first && Date.parse(t) <= last;
export const Instant = z.iso
  .datetime({ offset: true, abort: true })
  .refine(hasFourDigits, 'must be in the years 1 to 9999, in UTC');
export const since1970 = (t: string): boolean => Date.parse(t) >= 0;
/** A time, or a day as that moment of it (UTC). Nothing here is from before 1970. */
export const timeOrDay = (moment: '00:00:00' | '23:59:59.999999') =>
  z
    .union(
      [
        z.iso.datetime({ offset: true, abort: true }),
        z.iso.date({ abort: true }).transform((day) => `${day}T${moment}Z`),
      ],
      'must be a time in ISO 8601 with its offset, or a day as YYYY-MM-DD',
    )
    .refine(since1970, 'too long ago');
/** A clock elsewhere may be ahead by so much. */
const aheadMs = 5 * 60_000;
/** Whether that time has come, as far as clocks agree. */
export const hasCome = (t: string): boolean => Date.parse(t) <= Date.now() + aheadMs;
const digits = (v: unknown): unknown => (typeof v === 'string' && /^-?\d{1,16}$/.test(v) ? Number(v) : v);
/** A whole number, in a path or a query as its decimal digits alone: `0x1` and `1e0` are none, and name nothing. */
export const whole = (min: number, max: number) => z.preprocess(digits, z.int().min(min).max(max));
/** The same, with what is taken where none is given. */
export const wholeOr = (otherwise: number, min: number, max: number) =>
  z.preprocess(digits, z.int().min(min).max(max).default(otherwise));
/** The integers by which the doors know things; one that no column could hold names nothing. */
export const intId = whole(1, 2_147_483_647);
export const byId = <K extends string>(key: K) => z.object({ [key]: intId } as Record<K, typeof intId>);
export const byUuid = <K extends string>(key: K) => {
  const uuid = z.uuid();
  return z.object({ [key]: uuid } as Record<K, typeof uuid>);
};
/** A short text that must say something. */
export const name = (max: number) => z.string().trim().min(1).max(max);
/** An address that webhooks may be sent to, as far as it can be told by looking at it. */
export const webhookUrl = z
  .string()
  .max(2_000)
  .refine((v) => {
    const url = URL.canParse(v) ? new URL(v) : null;
    return url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '';
  }, 'is an https or http URL without a password');
export const Email = z
  .string()
  .max(254)
  .regex(/^[^\s@\p{C}]+@[^\s@\p{C}]+$/u, 'an e-mail address');
/** A password that somebody chooses. */
export const Password = z.string().min(8).max(1024);
/** A text that must say something. */
export const prose = z.string().trim().min(1).max(20_000);
export const page = z.object({
  limit: wholeOr(100, 1, 1000),
  offset: wholeOr(0, 0, 2_147_483_647),
});
/** Words that mean yes or no, in any case; the document has them in lower case. */
const [truthy, falsy] = [
  ['true', '1', 'yes', 'on', 'y', 'enabled'],
  ['false', '0', 'no', 'off', 'n', 'disabled'],
];
export const flag = z.union([
  z.boolean(),
  z.stringbool({ truthy, falsy }).meta({ type: 'string', enum: [...truthy, ...falsy] }),
]);
