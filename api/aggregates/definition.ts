import { z } from 'zod';
import { isAgent, type Asked } from '../../db/calls';
import type { Read } from '../../db/tx';
import { NotFound } from '../../domain/errors';
import { wholeOr } from '../contracts/shapes';

/** What is asked of an aggregate: days and agent, and how many rows of a list. */
export interface Question extends Asked {
  limit: number;
  query: Record<string, unknown>;
}

/** One figure of the audit door: where it is, what it is made from, and what it looks like. */
export interface Aggregate {
  path: `/audit/${string}`;
  summary: string;
  /** Whose: the agent that the path names (404 when there is none), the one that the query may name, or everybody's. */
  of: 'agent' | 'any' | 'all';
  query: z.ZodObject;
  output: z.ZodType;
  read: (tx: Read, question: Question) => Promise<unknown>;
}

type Shape = Record<string, z.ZodType>;
/** A day, as a series has it. */
export const date = z.iso.date();
export const count = z.int().min(0);
/** 0 to 1. */
export const share = z.number().min(0).max(1);
export const pct = z.number().min(0).max(100);

interface Given<O extends z.ZodType> {
  path: `/audit/${string}`;
  summary: string;
  of?: 'agent' | 'all';
  /** How many days there are without a word about it, and at most; null: it has its own. */
  days?: [otherwise: number, most: number] | null;
  /** A list, of so many rows without a word about it. */
  limit?: number;
  query?: Shape;
  output: O;
  read: (tx: Read, question: Question) => Promise<z.input<O>>;
}

export const usual: [number, number] = [30, 90];

export function aggregate<O extends z.ZodType>({ days = usual, limit, of, query, ...rest }: Given<O>): Aggregate {
  return {
    ...rest,
    of: of ?? 'any',
    query: z.object({
      ...(days && { days: wholeOr(...([days[0], 1, days[1]] as const)) }),
      ...(!of && { agent_id: z.uuid().optional() }),
      ...(limit !== undefined && { limit: wholeOr(limit, 1, 100) }),
      ...query,
    }),
  };
}

/** The same, with the days that were looked at and when. */
export function dated<S extends Shape>(
  given: Omit<Given<z.ZodType>, 'output' | 'read'> & {
    shape: S;
    read: (tx: Read, question: Question) => Promise<{ [K in keyof S]: unknown }>;
  },
): Aggregate {
  const { shape, read, ...rest } = given;
  return aggregate<z.ZodType<unknown, unknown>>({
    ...rest,
    output: z.object({ days: z.int(), computed_at: z.iso.datetime(), ...shape }),
    read: async (tx, question) => ({
      days: question.days,
      computed_at: new Date().toISOString(),
      ...(await read(tx, question)),
    }),
  });
}

/** @throws NotFound where the path names nobody */
export async function answerTo(
  { of, read }: Aggregate,
  tx: Read,
  id: string | null,
  query: Record<string, unknown>,
): Promise<unknown> {
  const named = id ?? (query['agent_id'] as string | undefined) ?? null;
  const question = { days: Number(query['days'] ?? 0), limit: Number(query['limit'] ?? 0), agentId: named, query };
  const [found, data] = await Promise.all([of !== 'agent' || named === null || isAgent(tx, named), read(tx, question)]);
  if (!found) throw new NotFound(`no agent ${String(named)}`);
  return data;
}
