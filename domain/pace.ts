/** How far back figures of the pace of work go, and by what step they are told. */
export const pacePeriods = {
  '1h': { seconds: 3_600, step: 300 },
  '24h': { seconds: 86_400, step: 3_600 },
  '7d': { seconds: 7 * 86_400, step: 6 * 3_600 },
  '30d': { seconds: 30 * 86_400, step: 86_400 },
} as const;
export type PacePeriod = keyof typeof pacePeriods;
