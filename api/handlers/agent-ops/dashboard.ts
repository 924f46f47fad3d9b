import { listRecords } from '../../../db/agent-records';
import { agentCounts, agentsInTrouble } from '../../../db/dashboard';
import { listFleetRuns } from '../../../db/fleet-runs';
import { runsOfDay } from '../../../db/run-tallies';
import { countPendingSignals, listSignals } from '../../../db/signals';
import type { dashboard } from '../../contracts/agent-ops/dashboard';
import type { Handlers } from '../../kernel';
import { recordView } from './records';
import { fleetRunView } from './runs';
import { agentView, signalView } from './views';

/** Of each list; the summary says how many there are, and each has a route of its own with all of them. */
const most = 25;

export const dashboardHandlers: Handlers<typeof dashboard> = {
  fleetDashboard: async (_input, ctx) => {
    const day = new Date().toISOString().slice(0, 10);
    const today = { agentName: null, status: null, since: `${day}T00:00:00Z`, after: null };
    const pending = { forAgent: null, createdBy: null, signal: null, pending: true, after: null };
    const [agents, counts, runs, began, signals, waiting, reports] = await ctx.read((tx) =>
      Promise.all([
        agentsInTrouble(tx, most),
        agentCounts(tx),
        listFleetRuns(tx, today, most),
        runsOfDay(tx, day),
        listSignals(tx, pending, most),
        countPendingSignals(tx),
        listRecords(tx, 'report_runs', {}, { since: null, after: null, limit: most }),
      ]),
    );
    return {
      agents: agents.map(agentView),
      today_runs: runs.map(fleetRunView),
      pending_signals: signals.map(signalView),
      report_runs: reports.map(recordView('report_runs')),
      summary: {
        agents_active: counts.active,
        agents_total: counts.total,
        runs_today: began.began,
        runs_completed: began.completed,
        runs_failed: began.failed,
        avg_duration_ms: began.averageMs,
        pending_signals: waiting,
      },
    };
  },
};
