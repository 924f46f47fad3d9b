import type { Cluster } from './drain';
import { Drain } from './drain';
import { signalRules, speaksOfFailure } from './signals';
import type { SignalRule } from './signals';
import { detach } from './text';
import type { Excerpt } from './types';

const SHAPES_KEPT = 10_000;
const LONGEST_KEPT = 1000;
/** The part of a message in which signals are looked for. */
export const LOOKED_AT = 1000;
const DIGITS = /\d+/g;
const EXCEPTION_NAME = /\b((?:[\w$]+\.)*[A-Z][\w$]*(?:Exception|Error))\b(?!\()/;

const anySignal = new RegExp(signalRules.map(({ test }) => test.source).join('|'), 'i');

/** What all lines with one masked text have in common. */
export interface Shape {
  /** null: there was no room for another template. */
  cluster: Cluster | null;
  signals: readonly SignalRule[];
  vocabulary: boolean;
  exception: string | null;
}

/** Recognises each masked text once and remembers it, so that most lines cost one look-up. */
export class Shapes {
  private readonly known = new Map<string, Shape>();
  readonly drain: Drain;

  constructor(maxTemplates: number) {
    this.drain = new Drain(maxTemplates);
  }

  of(process: string | null, masked: string, at: () => Excerpt): Shape {
    const key = `${process ?? ''}\n${masked}`;
    const known = this.known.get(key);
    if (known !== undefined) return known;
    const head = masked.slice(0, LOOKED_AT);
    const shape: Shape = {
      cluster: this.drain.match(process?.replace(DIGITS, '<num>') ?? null, masked.split(' '), at),
      signals: signalsIn(head),
      vocabulary: speaksOfFailure(head),
      exception: exceptionIn(head),
    };
    // A log in which every line is new gains nothing from being remembered: start over rather than grow.
    if (this.known.size >= SHAPES_KEPT) this.known.clear();
    if (key.length <= LONGEST_KEPT) this.known.set(detach(key), shape);
    return shape;
  }
}

/** The signals whose words a masked text holds. */
export function signalsIn(masked: string): readonly SignalRule[] {
  return anySignal.test(masked) ? signalRules.filter(({ test }) => test.test(masked)) : [];
}

/** The class of an exception that a text names; the bare words Error and Exception are none. */
export function exceptionIn(text: string): string | null {
  const name = EXCEPTION_NAME.exec(text)?.[1] ?? null;
  return name === 'Error' || name === 'Exception' ? null : name;
}
