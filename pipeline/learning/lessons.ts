import { cut, type Evidence } from '../../domain/evidence';
import { sharedTerms, termsOf } from '../../domain/terms';
import { inOneLine, keyOf, lastReport, ofAgent, ofChange, ofClaim, signalsOf, templatesOf } from './traces';

/** What to do when such a ticket comes again, each part with where it was learned. */
export interface Lessons {
  workflowProposal: string;
  skillProposals: { name: string; description: string; prompt_template: string }[];
  testCases: { name: string; given: string; expect: string; source: string }[];
  guardrails: string[];
}

/** What is supposed, without the figures of this one case: up to its colon where it has one. */
const supposed = (statement: string): string => {
  const name = inOneLine(statement).split(':')[0] ?? '';
  return name.length <= 80 ? name : cut(inOneLine(statement), 200);
};

function proposal(evidence: Evidence, key: string): string {
  const { ticket, agent_tasks, change_requests } = evidence;
  const signals = signalsOf(evidence).slice(0, 6);
  const templates = templatesOf(evidence).slice(0, 5);
  const tools = [...new Set(agent_tasks.flatMap((t) => t.steps.tools))].filter((tool) => tool !== 'site.publish');
  const last = lastReport(evidence);
  const steps = [
    ...(tools.length ? [`Gather evidence with ${tools.join(', ')}, in this order.`] : []),
    ...(signals.length
      ? [`Look for ${signals.map((s) => `${s.id} (${s.title}) ${ofAgent(s.task, s.step)}`).join('; ')}.`]
      : []),
    ...(templates.length
      ? [`Compare with these lines: ${templates.map((t) => `“${t.text}” ${ofAgent(t.task, t.step)}`).join('; ')}.`]
      : []),
    ...(last?.report.claims.filter((c) => c.kind === 'hypothesis').slice(0, 3) ?? []).map(
      (c) => `Check first: ${supposed(c.statement)} ${last ? ofClaim(last.task, last.report.step, c.cites) : ''}`,
    ),
    ...change_requests.map((c) => `Ask for ${c.action} and wait for the decision ${ofChange(c)}.`),
  ];
  const seen = signals.length ? `; signals ${signals.map((s) => s.id).join(', ')}` : '';
  return [
    `Workflow key: ${key}`,
    `Applies to: ${ticket.ticket_class} like “${ticket.title}” [ticket ${ticket.id}]${seen}`,
    ...[...new Set(steps)].map((step, i) => `${i + 1}. ${step}`),
  ].join('\n');
}

function skills(evidence: Evidence, family: string): Lessons['skillProposals'] {
  const signals = signalsOf(evidence).slice(0, 6);
  const templates = templatesOf(evidence).slice(0, 5);
  const last = lastReport(evidence);
  if (signals.length + templates.length === 0 && !last) return [];
  const hypotheses = last?.report.claims.filter((c) => c.kind === 'hypothesis').slice(0, 3) ?? [];
  return [
    {
      name: `triage ${family}`,
      description: `Tells ${family} apart in a log, as learned from ticket ${evidence.ticket.id}.`,
      prompt_template: [
        'Ticket {ticket_id}, attachment {attachment_id}.',
        ...signals.map((s) => `Count ${s.id} (${s.title}) and name what it is about.`),
        ...templates.map((t) => `Look for lines like “${t.text}”.`),
        ...hypotheses.map(
          (c) => `It was once ${supposed(c.statement)}: check whether it is again, and never assume it.`,
        ),
        'Cite the observation behind every statement.',
      ].join('\n'),
    },
  ];
}

function testCases(evidence: Evidence): Lessons['testCases'] {
  return signalsOf(evidence)
    .slice(0, 5)
    .map((signal) => {
      const words = termsOf(signal.title);
      const line = templatesOf(evidence).find((t) => sharedTerms(words, t.text).length >= 2);
      return {
        name: `finds ${signal.id}`,
        given: `a log with ${signal.events} events of ${signal.id}${line ? `, among its lines “${line.text}”` : ''}`,
        expect: `the report names ${signal.title} with its count and cites the observation`,
        source: ofAgent(signal.task, signal.step),
      };
    });
}

function guardrails({ agent_tasks, change_requests }: Evidence): string[] {
  const gated = change_requests.map((c) => {
    const decided =
      c.status === 'rejected'
        ? `was rejected${c.rejected_reason ? `: ${c.rejected_reason}` : ''}`
        : `stood ${c.status}`;
    return `${c.action} waits for a person's decision; here it ${decided} ${ofChange(c)}`;
  });
  const refused = agent_tasks.flatMap((task) =>
    task.steps.refused.map(
      (s) => `${s.tool} was refused (${s.decision}): ${s.reason}; do not try to get around it ${ofAgent(task, s.step)}`,
    ),
  );
  const reported = agent_tasks.some((t) => t.report)
    ? ['A claim that cites no observation is left out of the report.']
    : [];
  return [...new Set([...gated, ...refused, ...reported])].slice(0, 20);
}

export function lessonsOf(evidence: Evidence): Lessons {
  const key = keyOf(evidence);
  return {
    workflowProposal: proposal(evidence, key),
    skillProposals: skills(evidence, key.split(':').at(-1) ?? key),
    testCases: testCases(evidence),
    guardrails: guardrails(evidence),
  };
}
