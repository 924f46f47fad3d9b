import type { Harness } from '../domain/harness';
import { advanceActivities } from './agents/advance';
import { carryOutActivities } from './agents/carry-out';
import { commandActivities } from './agents/command/attend';
import { waitActivities } from './agents/command/waits';
import { consultActivities } from './agents/consult';
import { investigateActivities } from './agents/investigate';
import { callActivities } from './agents/remote/call';
import { remoteActivities } from './agents/remote/offer';
import { steeringOf } from './agents/steering';
import { stepsOf } from './agents/steps';
import { thinkActivities } from './agents/think';
import { wishesOf } from './agents/wishes';
import type { Deps } from './deps';
import { leaseActivities } from './integrations/leases';
import { sweepActivities } from './integrations/sweep';
import { webhookActivities } from './integrations/webhooks';
import { learningActivities } from './learning/promote';
import { synthesisActivities } from './learning/synthesise';
import { accessActivities } from './lifecycle/access';
import { alertActivities } from './lifecycle/alerts';
import { gateActivities } from './lifecycle/gates';
import { investigationActivities } from './lifecycle/investigations';
import { pipelineActivities } from './lifecycle/pipelines';
import { runActivities } from './lifecycle/runs';
import { scheduledActivities } from './lifecycle/scheduled';
import { voteActivities } from './lifecycle/votes';
import { fullSyncActivities } from './providers/full';
import { syncActivities } from './providers/sync';
import { toolCheckActivities } from './tools/check';

export type { Turn } from './agents/advance';
export type { Proposal } from './agents/wishes';
export type { InvestigationTurn } from './agents/investigate';
export type { Lent } from './integrations/leases';
export type { Orphan } from './integrations/sweep';
export type { RecordedRun } from './lifecycle/runs';
export type { PartName, PartOutcome, PromotionRequest } from './learning/promote';
export type { ToolLook, ToolLooked } from './tools/check';

/** Every side effect there is, over what it leans on. */
export function createActivities(deps: Deps, harnesses: readonly Harness[]) {
  const byName = new Map(harnesses.map((h) => [h.name, h]));
  const [investigator] = harnesses;
  if (!investigator) throw new Error('no harness');
  const steps = stepsOf(deps, byName);
  const steering = steeringOf(deps, steps);
  const runs = runActivities(deps);
  const investigations = investigationActivities(deps);
  const pipelines = pipelineActivities(deps);
  const syntheses = synthesisActivities(deps);
  return {
    ...gateActivities(deps),
    ...voteActivities(deps),
    ...accessActivities(deps),
    ...runs,
    ...scheduledActivities(deps),
    ...advanceActivities(deps, steps, wishesOf(deps, steps), steering),
    ...steering.activities,
    ...carryOutActivities(deps, steps),
    ...thinkActivities(deps, steps),
    ...commandActivities(deps),
    ...waitActivities(deps),
    ...remoteActivities(deps),
    ...callActivities(deps, steps),
    ...investigations,
    ...pipelines,
    ...investigateActivities(deps, investigator),
    ...consultActivities(deps),
    ...leaseActivities(deps),
    ...sweepActivities(deps, { ...runs, ...investigations, ...pipelines, ...syntheses }),
    ...alertActivities(deps),
    ...webhookActivities(deps),
    ...learningActivities(deps),
    ...syntheses,
    ...syncActivities(deps),
    ...fullSyncActivities(deps),
    ...toolCheckActivities(deps),
  };
}
export type Activities = ReturnType<typeof createActivities>;
