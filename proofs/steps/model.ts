import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { applyEffect } from '../cluster/effect';

/** What each of its answers takes. */
export const tokens = { in: 200, out: 30 };

export interface Scripted {
  /** `/chat/completions` is below it. */
  url: string;
  /** Requests, a repeat of a turn included. */
  asked: number;
  /** The turns that were asked for, each as `run:turn`. */
  turns: Set<string>;
  close(): Promise<void>;
}

const chunk = (delta: unknown, finish_reason: string | null, usage?: unknown): string =>
  `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta, finish_reason }], ...(usage !== undefined && { usage }) })}\n\n`;

/**
 * A model over the wire that asks for one effect a turn, so many of them, and then ends; in between it sums up when it is asked
 * to. Which effect is said by the turn's number, which is in the key of the request: so a repeat asks for the same.
 */
export async function scriptedModel(effects: number): Promise<Scripted> {
  const turns = new Set<string>();
  /** Of each run, the turns that were summaries. */
  const summed = new Map<string, Set<number>>();
  const scripted = { url: '', asked: 0, turns, close: () => Promise.resolve() };

  const answerTo = (run: string, turn: number): { text: string } | { tool: string; args: unknown } => {
    const summaries = summed.get(run) ?? new Set<number>();
    if (summaries.has(turn)) return { text: 'So many effects were had, one a turn; the next is to be had.' };
    const nth = turn - [...summaries].filter((t) => t < turn).length;
    return nth < effects
      ? { tool: applyEffect, args: { what: `effect ${nth} of the model` } }
      : { tool: 'finish', args: { summary: `${effects} effects` } };
  };

  const server = createServer((req, res) => {
    const parts: Buffer[] = [];
    req.on('data', (part: Buffer) => parts.push(part));
    req.on('end', () => {
      const [run = '', nth] = String(req.headers['idempotency-key']).split(':');
      const turn = Number(nth);
      const { tools } = JSON.parse(Buffer.concat(parts).toString('utf8')) as { tools?: unknown[] };
      scripted.asked += 1;
      turns.add(`${run}:${turn}`);
      if (!tools) summed.set(run, (summed.get(run) ?? new Set()).add(turn));
      const answer = answerTo(run, turn);
      const call = 'tool' in answer && {
        tool_calls: [{ index: 0, id: 'c0', type: 'function', function: { name: answer.tool, arguments: JSON.stringify(answer.args) } }],
      }; // prettier-ignore
      res.writeHead(200, { 'content-type': 'text/event-stream' });
      res.write(chunk({ role: 'assistant', content: 'text' in answer ? answer.text : '' }, null));
      // Long enough to be killed in.
      void pause(5).then(() => {
        if (call) res.write(chunk(call, null));
        const usage = { prompt_tokens: tokens.in, completion_tokens: tokens.out, total_tokens: tokens.in + tokens.out };
        res.end(`${chunk({}, call ? 'tool_calls' : 'stop', usage)}data: [DONE]\n\n`);
      });
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  scripted.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  scripted.close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return scripted;
}
