import { z } from 'zod';

/** Agents send lists and objects where people write text: it becomes text. */
const inText = (value: unknown): string => {
  if (Array.isArray(value)) return value.map((item) => `- ${inText(item)}`).join('\n');
  if (typeof value === 'string') return value;
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? '';
  return Object.entries(value)
    .map(([key, inner]) => `${key}: ${inText(inner)}`)
    .join('\n');
};
export const text = z
  .union([z.string(), z.array(z.unknown()), z.record(z.string(), z.unknown())])
  .transform(inText)
  .pipe(z.string().max(50_000));
