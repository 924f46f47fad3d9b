declare module 'pg/lib/utils' {
  /** A parameter as pg puts it on the wire: text, bytes or null. */
  export function prepareValue(value: unknown): string | Buffer | null;
}
