import { writeNote } from '../../db/notes';
import { deliver } from '../../db/steer';
import type { Report } from '../../domain/harness';
import type { Deps } from '../deps';
import { agentActor } from '../lifecycle/runs';
import type { Situation } from './brief';
import type { RunRef, Steps } from './steps';

/** What people say to a run: told to the agent, and answered by it. */
export const steeringOf = ({ store }: Pick<Deps, 'store'>, { look, harness, nextMove }: Steps) => {
  /** What the agent says to it: in its report, or in its own words. */
  const answersOf = (s: Situation): ReadonlyMap<string, string> => {
    const own = harness(s.run).answers?.(s.brief, s.turns);
    if (own) return own;
    const move = nextMove(s);
    const report = move.kind === 'propose' ? (move.args['report'] as Report) : null;
    return new Map(report?.steering.map((a) => [a.id, a.answer]));
  };

  return {
    /** The situation with what people said until now. */
    listen: async (input: RunRef): Promise<Situation> => {
      const s = await look(input);
      if (!s.said) return s;
      await store.write(input.tenantId, (tx) => deliver(tx, s.run));
      return look(input);
    },

    activities: {
      /** What was said while people decide: answered in a note, once, and acknowledged. */
      async answerSteering(input: RunRef): Promise<void> {
        const s = await look(input);
        if (!s.unanswered || harness(s.run).answersItself) return;
        const answers = answersOf(s);
        await store.write(input.tenantId, async (tx) => {
          const { rows } = await tx.query<{ id: string; number: number }>(
            `update steering_events set status = 'acknowledged', acknowledged_at = now()
             where run_id = $1 and status = 'delivered' returning id, number`,
            [input.runId],
          );
          for (const row of rows) {
            const answer = answers.get(row.id);
            const by = agentActor(s.run);
            tx.log({
              kind: 'steering.acknowledged', actor: by, subject: { kind: 'run', id: s.run.id }, transition: `acknowledged:${row.id}`,
              ticketId: s.run.ticketId, runId: s.run.id, agentId: s.run.agentId, body: { event_id: row.number, answer: answer ?? null },
            }); // prettier-ignore
            if (!answer) continue;
            await writeNote(tx, {
              ticketId: s.run.ticketId, key: `steering:${row.id}`, source: 'agent', author: by.name, actor: by, body: answer,
              externalRef: `steering:${row.number}`,
            }); // prettier-ignore
          }
        });
      },
    },
  };
};
