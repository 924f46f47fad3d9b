/** A time as proofs and the audit door write it: ISO 8601 UTC with all six digits, which a Date would cut to three. */
export const micros = (column: string): string =>
  `to_char(${column} at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"')`;
