/** What the trail of what happened is merged from: the log, in two halves, and what is noted on tickets. */
export const trailSources = ['audit', 'event', 'note'] as const;
export const trailLevels = ['info', 'warning', 'error'] as const;
