import { at, none, resource, type Declared } from '../declaration';

const registered = { 'path.id': at('registered') };
const cursor = { 'query.cursor': at('cursor', 'ignored') }; // a time and an id: a place in anybody's list

export const agentOps: Readonly<Record<string, Declared>> = {
  listRegistry: { ids: cursor },
  registerAgent: none,
  getRegistered: { ids: registered },
  updateRegistered: { ids: registered },
  deleteRegistered: {
    ids: registered,
    own: { statuses: [204, 404], why: 'whoever comes second finds it gone' },
    fresh: 'registered',
  },
  testRun: { ids: registered, fresh: 'registered' },
  defineAgent: { ids: registered, fresh: 'registered' },
  listSignals: { ids: cursor },
  sendSignal: none,
  actOnSignal: { ids: { 'path.id': at('signal') } },
  fleetDashboard: none,
  listFleetRuns: { ids: cursor },
  reportRun: { ids: { 'body.eve_id': resource } },
  updateReportedRun: { ids: { 'path.id': at('reported') } },
  listMetrics: { ids: cursor },
  recordMetrics: none,
  listToolCalls: { ids: { ...cursor, 'query.run_id': at('external', 'empty') } },
  recordToolCalls: { ids: { 'body.run_id': resource } },
  listReportRuns: { ids: cursor },
  recordReportRuns: none,
  listAlertRules: { ids: cursor },
  createAlertRule: none,
  listAlerts: { ids: cursor },
  acknowledgeAlert: { ids: { 'path.id': at('alert') } },
};
