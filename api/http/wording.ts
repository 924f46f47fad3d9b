import type { z } from 'zod';

/** How a refusal is worded where the library would speak of its own types; undefined leaves it to the schema, or to the library. */
export const wording = (issue: z.core.$ZodRawIssue): string | undefined =>
  issue.input === undefined && (issue.code === 'invalid_type' || issue.code === 'invalid_union')
    ? 'is required'
    : undefined;
