import type { ToolStatus } from './tool-server';

/** ready: asked, and it works. built_in: works without anything to set up. configured: set up, and nobody has asked it yet. */
export const moduleStates = ['ready', 'built_in', 'configured', 'degraded', 'down', 'not_configured'] as const;
export type ModuleState = (typeof moduleStates)[number];

export interface ModuleStatus {
  module_id: string;
  deployment_status: ModuleState;
  check_status: ToolStatus;
  source: 'asked' | 'check' | 'configuration';
  tool?: string;
}

const states: Record<ToolStatus, ModuleState> = {
  healthy: 'ready', degraded: 'degraded', down: 'down', unknown: 'configured',
}; // prettier-ignore

/** What was found out of something that is set up. */
export const foundOut = (id: string, status: ToolStatus, source: 'asked' | 'check', tool?: string): ModuleStatus => ({
  module_id: id,
  deployment_status: states[status],
  check_status: status,
  source: status === 'unknown' ? 'configuration' : source,
  ...(tool !== undefined && { tool }),
});

/** Nobody can be asked. */
export const unasked = (id: string, state: 'built_in' | 'configured' | 'not_configured'): ModuleStatus => ({
  module_id: id,
  deployment_status: state,
  check_status: 'unknown',
  source: 'configuration',
});

const order: readonly ToolStatus[] = ['healthy', 'unknown', 'degraded', 'down'];
/** Of several that are one module: as well as the worst of them. */
export const worstOf = (statuses: readonly ToolStatus[]): ToolStatus =>
  statuses.reduce((a, b) => (order.indexOf(b) > order.indexOf(a) ? b : a), 'healthy');
