/** Workflows and rows; models, tools and processes; providers and mail: a slow one never delays the others. */
export const queuesOf = (prefix: string) => ({
  lifecycle: `${prefix}-lifecycle`,
  agents: `${prefix}-agents`,
  integrations: `${prefix}-integrations`,
});
