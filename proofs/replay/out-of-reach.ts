const never = 'never: ';
const rare = 'not recorded: ';

/**
 * Branches that no recorded history takes, each with the reason; the proof holds the table to what is measured. `never`
 * are there for the compiler or for what the SDK only might do; the others can happen, in a window that no play hits yet.
 */
export const outOfReach: Record<string, string> = {
  'kit.ts | const cause = error instanceof ActivityFailure ? error.cause : error; | cond-expr 1':
    never + 'local activities fail with their cause itself; ordinary ones refuse nothing today',
  'kit.ts | return cause instanceof ApplicationFailure ? revive(cause.type, cause.message, cause.details?.[0]) : null; | cond-expr 2':
    rare + 'a failure that is no application’s, a time-out of all attempts, ends no activity that is retried for ever',
  'kit.ts | export const wordsOf = (error: unknown): string => rootCause(error) ?? String(error); | binary-expr 2':
    never + 'every failure has a message',
  'kit.ts | throw refusal ? refuse(refusal) : e; | cond-expr 2':
    rare + 'trouble in an Update is retried; only a defect gets here, and suspends the workflow task',
  "kit.ts | if (!(e instanceof ApplicationFailure) || e.type !== 'ExternalWorkflowExecutionNotFound') throw e; | if 1":
    never + 'Temporal has one failure of an external Signal',
  "kit.ts | ...(of.ticketId ? [{ key: keyword('WhTicket'), value: of.ticketId }] : []), | cond-expr 2":
    never + 'every child today belongs to a ticket',
  'ticket-sync.ts | if (workflowInfo().continueAsNewSuggested) | if 1':
    rare + 'hundreds of attempts at one ticket, half an hour between each',
  'approval-gate.ts | if (!refusal) throw e; | if 1':
    rare + 'trouble is retried inside the local activity; only a defect gets here',
  "approval-gate.ts | return move(event, currentUpdateInfo()?.id ?? 'decide', d.proof, d.correlationId); | binary-expr 2":
    never + 'for the compiler',
  "approval-gate.ts | return move(event, currentUpdateInfo()?.id ?? 'complete', c.proof, c.correlationId); | binary-expr 2":
    never + 'for the compiler',
  'approval-gate.ts | gate = (await rows.recordGate(gate, open)).stands ?? gate; | binary-expr 2':
    never + 'an opening is answered with the row that stands',
  'approval-gate.ts | if (isSettled(gate) || left() > 0) return; | if 1':
    rare + 'a decision in the workflow task in which the deadline fires',
  'approval-gate.ts | if (trouble !== null) throw trouble; | if 1':
    rare + 'trouble at a deadline is retried; only a defect gets here',
  'approval-gate.ts | if (left > 0) await sleep(left); | if 2':
    rare + 'a gate that is adopted when the time of its reminder is over',
  "approval-gate.ts | if (gate.status !== 'pending') return; | if 1":
    rare + 'a reminder that falls due in the workflow task of the decision',
  "access-request.ts | else await move({ type: 'expire', reason: over }, 'preapproved:over'); | if 2":
    rare + 'a run that ends while what is preapproved for it is recorded',
  'launches.ts | case undefined: | switch 1': rare + 'a worker of a version before, whose answer says nothing',
  "launches.ts | return { kind: 'fenced', reason: done?.why ?? 'its command was ended' }; | binary-expr 2":
    rare + 'as above',
  "with-remote.ts | (raw) => (textOf(raw.id) ? { id: textOf(raw.id) ?? '' } : null), | binary-expr 2":
    never + 'for the compiler',
  'tool-calls.ts | if (isEnded(of.run())) throw new Conflict(`the agent is already ${status}`, { status }); | if 1':
    rare + 'a call that comes in the workflow task in which the run ends',
  'told.ts | if (told.get(wrong.version) === wrong) told.delete(wrong.version); | if 2':
    rare + 'another word of that version, which comes while the row is read',
  'told.ts | if (gate) told.set(gate.version, gate); | if 2': rare + 'a forged word of a gate that has no row yet',
  "access-request.ts | (raw) => (textOf(raw.reason) ? { reason: textOf(raw.reason) ?? '' } : null), | binary-expr 2":
    never + 'for the compiler',
  "access-request.ts | return { type: 'expire', reason: g.decisionReason ?? g.status }; | binary-expr 2":
    rare + 'a request that is ahead of its gate, which is then rejected without a reason',
  'access-request.ts | return { leaseId: access.id, refused: over ?? cancelledInTemporal }; | binary-expr 2':
    never + 'for the compiler',
  'access-request.ts | const reason = over ?? cancelledInTemporal; | binary-expr 2': never + 'for the compiler',
  'agent-run.ts | if (!refusalOf(e) || !isEnded(run)) throw e; | if 1':
    rare + 'a run that fails while its row has ended otherwise: a window of one local activity',
  'agent-run.ts | if (!refusalOf(e) || !isEnded(run)) throw e; | if 2': rare + 'as above',
  'agent-run.ts | if (!refusalOf(e) || !isEnded(run)) throw e; | binary-expr 1': rare + 'as above',
  'agent-run.ts | if (!refusalOf(e) || !isEnded(run)) throw e; | binary-expr 2': rare + 'as above',
  "hear-news.ts | (raw) => (textOf(raw.id) ? { id: textOf(raw.id) ?? '' } : null), | binary-expr 2":
    never + 'for the compiler',
  "agent-run.ts | if (todo.kind === 'slow') { | if 1": rare + 'no harness of the tests calls a slow tool',
  'agent-run.ts | } else if (heard === news.count()) return todo; | if 2':
    rare + 'something said while the turn that ends the work runs',
  "agent-run.ts | if (!done.proof) return { type: 'fail', error: done.result }; | if 1":
    rare + 'an approved change that the pipeline refuses at dispatch',
  'agent-run.ts | if (!isEnded(run)) await continueAsNew<typeof agentRun>({ ...input, run, carried }); | if 2':
    rare + 'a stop in the workflow task in which a run is to go on in another workflow',
  'agent-run.ts | if (!refusalOf(e)) throw e; | if 1':
    rare + 'trouble at the opening is retried; only a defect gets here',
  'postmortem-promotion.ts | if (!refused) throw e; | if 1':
    rare + 'trouble in a part is retried; only a defect gets here',
  "sweep.ts | const event: AccessEvent = { type: access.status === 'granted' ? 'revoke' : 'expire', reason }; | cond-expr 2":
    rare + 'a request whose workflow was terminated before people decided',
  'sweep.ts | if (lent) await once.revokeLease(access, reason); | if 2': rare + 'as above',
  'sweep.ts | return lent ? 1 : 0; | cond-expr 2': rare + 'as above',
  'sweep.ts | if (!(e instanceof ActivityFailure)) throw e; | if 1': never + 'an activity fails in no other way',
  'sweep.ts | if (!(e instanceof ActivityFailure)) throw e; | if 2':
    rare + 'a provider that is away during a sweep: the proof of leases has it so',
  'sweep.ts | if (!isSettled(access)) { | if 2':
    rare + 'a request terminated after its end and before that of its lease',
  'ids.ts | attempt === 1 ? investigationId : `${investigationId}:${attempt}`; | cond-expr 1':
    never + 'asked by who starts and finds workflows, outside of them',
  'ids.ts | attempt === 1 ? investigationId : `${investigationId}:${attempt}`; | cond-expr 2': never + 'as above',
  'investigation.ts | ...(input.agents !== undefined && { taskQueue: input.agents }), | binary-expr 2':
    rare + 'the plays have one queue for all activities',
  'investigation.ts | if (await opening) { | if 2':
    rare + 'a resume that its row refuses, when another attempt was first',
  'until-heard.ts | if (!(e instanceof ActivityFailure)) throw e; | if 1': never + 'an activity fails in no other way',
  'scheduled-run.ts | if (ended.number > 0) return { runId: run.id, outcome: ended.status }; | if 2':
    rare + 'somebody sets the agent to work by hand between the draft and its start',
  "pipeline-run.ts | if (ended.status === 'finished') return { result: ended.result ?? '' }; | binary-expr 2":
    never + 'a run that finished has a result',
  "pipeline-run.ts | : { error: ended.error ?? `its agent is ${ended.status}`, again: ended.status === 'failed' }; | binary-expr 2":
    never + 'a run that ended otherwise says why',
  'pipeline-run.ts | if (working.consideredCancelled && isCancellation(e)) throw e; | if 1':
    rare + 'ended between a try and the start of its run',
  'pipeline-run.ts | if (working.consideredCancelled && isCancellation(e)) throw e; | binary-expr 2': rare + 'the same',
  'pipeline-run.ts | return { error: isCancellation(e) ? `it took longer than ${seconds} seconds` : wordsOf(e), again: true }; | cond-expr 1':
    rare + 'a try that is over before its run has started',
  'pipeline-run.ts | const { retries = 0, task } = plan[index] ?? {}; | default-arg 1': never + 'for the compiler',
  'pipeline-run.ts | const { retries = 0, task } = plan[index] ?? {}; | binary-expr 2': never + 'for the compiler',
  'pipeline-run.ts | for (const { step, to } of steps) Object.assign(pipeline.steps[step] ?? {}, to); | binary-expr 2':
    never + 'for the compiler',
  "pipeline-run.ts | : { type: 'end', status: 'failed', text: wordsOf(e), by: system }; | cond-expr 2":
    rare + 'trouble is retried inside the local activity; only a defect gets here',
  'pipeline-run.ts | if (!refusalOf(refusal) || !isOver(pipeline)) throw refusal; // it has ended otherwise: the row says how | if 1':
    rare + 'trouble at its end is retried; only a defect gets here',
  'pipeline-run.ts | if (!refusalOf(refusal) || !isOver(pipeline)) throw refusal; // it has ended otherwise: the row says how | if 2':
    rare + 'a person who ends it in the workflow task in which Temporal cancels it',
  'pipeline-run.ts | if (!refusalOf(refusal) || !isOver(pipeline)) throw refusal; // it has ended otherwise: the row says how | binary-expr 1':
    rare + 'the same',
  'pipeline-run.ts | if (!refusalOf(refusal) || !isOver(pipeline)) throw refusal; // it has ended otherwise: the row says how | binary-expr 2':
    rare + 'the same',
};
