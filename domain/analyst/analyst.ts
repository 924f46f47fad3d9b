import type { Brief, Harness, Move, Observation, Report } from '../harness';
import { Asked, call } from './calls';
import { gather } from './evidence';
import { nextCall } from './plan';
import { buildReport } from './report';
import { namedSystems, requestFor } from './systems';
import { percent } from './words';

/** However many notes and files there are: a run makes at most so many calls before it proposes. */
const MAX_CALLS = 60;

/**
 * The embedded analyst: rules, no model. It asks for access to the systems that the work names and does not wait for
 * it, gathers evidence call by call, writes one note on what it found, and proposes to publish its report.
 */
export const analyst: Harness = {
  name: 'embedded',
  next(brief: Brief, observations: readonly Observation[]): Move {
    // It has nothing to say that the records do not: what they tell is written down with its end.
    if (brief.task === 'postmortem' || brief.task === 'workflow_build')
      return { kind: 'finish', summary: 'written down from the records of the ticket' };
    const asked = new Asked(observations);
    for (const system of namedSystems(brief)) {
      const request = requestFor(system, brief);
      if (request !== null) return request;
    }
    if (observations.length < MAX_CALLS) {
      const next = nextCall(brief, gather(brief, observations), asked);
      if (next !== null) return next;
      if (!asked.hasTool('tickets.note'))
        return call(
          'tickets.note',
          { body: noteOf(buildReport(brief, observations)) },
          'The evidence is gathered: those who follow the ticket should know.',
        );
    }
    return proposal(brief, withCap(buildReport(brief, observations), observations));
  },
};

function proposal(brief: Brief, report: Report): Move {
  return {
    kind: 'propose',
    action: 'publish_static_site',
    target: brief.slug,
    reason: `Publish the report on ticket #${brief.ticket.number} as a static site. ${report.summary}`
      .slice(0, 1000)
      .toWellFormed(),
    tool: 'site.publish',
    args: { slug: brief.slug, report },
  };
}

function withCap(report: Report, observations: readonly Observation[]): Report {
  if (observations.length < MAX_CALLS) return report;
  return {
    ...report,
    limits: [...report.limits, `The analysis ended after ${MAX_CALLS} calls; more was asked of it than that.`],
  };
}

function noteOf({ summary, hypotheses, limits }: Report): string {
  const lines = hypotheses
    .slice(0, 4)
    .map(({ statement, confidence }, i) => `${i + 1}. (${percent(confidence)}) ${statement}`);
  const sections = [
    summary,
    lines.length === 0 ? '' : `Hypotheses:\n${lines.join('\n')}`,
    limits.length === 0 ? '' : `Limits:\n${limits.map((limit) => `- ${limit}`).join('\n')}`,
  ];
  return sections
    .filter((section) => section !== '')
    .join('\n\n')
    .slice(0, 2000)
    .toWellFormed();
}
