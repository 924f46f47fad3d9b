import type { TraceStep } from '../../../../domain/trace';
import { duration, moment, toneOf } from '../format';
import { block, copyButton, type Block, type Folds } from './block';
import { el } from './dom';

export const fact = (name: string, ...value: (Node | string)[]): HTMLElement =>
  el('div', {}, el('dt', {}, name), el('dd', {}, ...value));

export const badge = (word: string): HTMLElement => el('span', { class: `badge ${toneOf(word)}` }, word);

/** What there is of a step, each to be folded and copied by itself. */
function blocksOf(step: TraceStep): Block[] {
  const prompts = (step.prompt ?? []).map(({ role, content }) => ({ name: `Prompt: ${role}`, value: content }));
  const all: Block[] = [
    { name: 'Error', value: step.error },
    { name: 'Decision', value: step.decision },
    { name: 'Input', value: step.input },
    ...prompts,
    { name: 'Answer', value: step.answer },
    { name: 'Output', value: step.output },
  ];
  return all.filter(({ value }) => value !== null && value !== undefined);
}

/** Everything that was recorded of one step. `from`: when the first began, in ms. */
export function stepDetail(step: TraceStep, from: number, folds: Folds): Node[] {
  const { digest } = step;
  const title = el('h2', { id: 'detail-title' }, step.title);
  return [
    el('p', { class: 'kicker' }, step.kind, step.by === null ? null : ` · ${step.by}`),
    title,
    step.why === null ? '' : el('p', { class: 'why' }, step.why),
    el(
      'dl',
      { class: 'facts' },
      fact('Outcome', badge(step.state)),
      fact('Duration', duration(step.durationMs)),
      fact('After', duration(Date.parse(step.startedAt) - from)),
      fact('Started', moment(step.startedAt)),
      ...(digest === null
        ? []
        : [
            fact(
              'Digest',
              el('code', { title: digest }, digest.slice(0, 16)),
              copyButton('digest', () => digest),
            ),
          ]),
    ),
    ...blocksOf(step).map((b) => block(b, folds)),
  ].filter((node) => node !== '') as Node[];
}
