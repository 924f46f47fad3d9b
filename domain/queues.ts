/** Workflows and rows; models and tools; providers and mail; commands, which take long: a slow one never delays the others. */
export const queuesOf = (prefix: string) => ({
  lifecycle: `${prefix}-lifecycle`,
  agents: `${prefix}-agents`,
  integrations: `${prefix}-integrations`,
  processes: `${prefix}-processes`,
});
