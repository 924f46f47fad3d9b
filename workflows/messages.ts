import { defineQuery, defineSignal } from '@temporalio/workflow';
import type { AccessRequest } from '../domain/access';
import type { Gate } from '../domain/gate';

// Messages that go between workflows; what only the API sends stands beside its workflow.

/** A gate tells those who wait for it, at every move, its opening included. */
export const gateMoved = defineSignal<[Gate]>('gateMoved');
/** An access request tells the run it is for. */
export const accessMoved = defineSignal<[AccessRequest]>('accessMoved');
/** A run that ended, however: what was lent to it goes back. */
export const runEnded = defineSignal<[{ reason: string }]>('runEnded');
/** What a gate was opened for is over. */
export const withdraw = defineSignal<[{ id: string; reason: string }]>('withdraw');
/** A person said something that a run is to see. Repeats of an id are ignored. */
export const steer = defineSignal<[{ id: string }]>('steer');
/** What came of a task that is worked on elsewhere is in its row. */
export const taskMoved = defineSignal<[{ id: string }]>('taskMoved');
/** It may be the turn of a run that waits to begin. */
export const turn = defineSignal('turn');

/** On every workflow: what it holds its entity to be. */
export const stateOf = <T>() => defineQuery<T>('state');
