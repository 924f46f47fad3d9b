import { z } from 'zod';
import { logFindings } from '../../db/findings';
import { blueprints } from '../../db/learning';
import { articlesWith } from '../../db/search';
import type { Blueprint } from '../../domain/learning';
import { sharedTerms, termsOf } from '../../domain/terms';
import type { Ticket } from '../../domain/ticket';
import { namedFamily, signalFamily, workflowKey } from '../../domain/workflow-key';
import { tool } from '../call';
import { ownTicket } from './own';
import { rank, scoreOf, snippet, tells } from './similar';

const shown = 10;

export const knowledgeSearch = tool({
  name: 'knowledge.search',
  description: 'Finds knowledge articles that hold the words of a query.',
  effect: 'read',
  scope: 'knowledge:read',
  content: 'prose',
  args: z.strictObject({ query: z.string().trim().min(1).max(500) }),
  target: ({ query }) => query,
  async run({ query }, context) {
    const terms = termsOf(query, { limit: 32 });
    const found = await context.read((tx) => articlesWith(tx, terms, 50));
    const articles = rank(terms, found, ({ title, body }) => `${title} ${body}`, shown);
    return {
      articles: articles.map(({ item, score }) => ({
        id: item.number,
        title: item.title,
        snippet: snippet(item.body, terms),
        score,
      })),
    };
  },
});

/** What a blueprint can be known by. */
interface Traits {
  ticketClass: string;
  terms: string[];
  keys: ReadonlySet<string>;
  signals: string[];
}

function traitsOf({ title, description, ticketClass }: Ticket, signals: { id: string; events: number }[]): Traits {
  const key = (family: string | null): string[] =>
    family === null ? [] : [workflowKey({ explicit: `${ticketClass}:${family}`, ticketClass, texts: [] })];
  return {
    ticketClass,
    terms: termsOf(`${title} ${description}`, { limit: 40 }),
    // As a promotion would have named it: by the title's words, or by what the logs are full of.
    keys: new Set([
      workflowKey({ explicit: null, ticketClass, texts: [title, description] }),
      ...key(namedFamily(title)),
      ...key(signalFamily(signals)),
    ]),
    signals: [...new Set(signals.map((s) => s.id))],
  };
}

/** How well a blueprint fits, and in which words; null when nothing but chance speaks for it. */
function fit(blueprint: Blueprint, traits: Traits): { score: number; why: string } | null {
  const { name, workflowKey: key, description, ticketClass } = blueprint;
  const about = `${name} ${key} ${description}`;
  const shared = sharedTerms(traits.terms, about);
  const sameKey = traits.keys.has(key);
  const signals = traits.signals.filter((id) => about.includes(id));
  const sharesTerms = tells(shared.length, traits.terms.length);
  if (!sameKey && signals.length === 0 && !sharesTerms) return null;
  const sameClass = ticketClass?.toLowerCase() === traits.ticketClass.toLowerCase();
  const score =
    (sameKey ? 0.5 : 0) +
    (signals.length ? 0.3 : 0) +
    0.5 * scoreOf(shared.length, traits.terms.length) +
    (sameClass ? 0.1 : 0);
  const why = [
    ...(sameKey ? [`the same key ${key}`] : []),
    ...(signals.length ? [`the same signals ${signals.join(', ')}`] : []),
    ...(sharesTerms ? [`the shared words ${shared.slice(0, 8).join(', ')}`] : []),
    ...(sameClass ? [`the same class ${traits.ticketClass}`] : []),
  ];
  return { score: Math.round(Math.min(1, score) * 100) / 100, why: `It has ${why.join('; ')}.` };
}

export const blueprintsMatch = tool({
  name: 'blueprints.match',
  description: 'Finds learned workflows that fit the ticket and what is known of it so far.',
  effect: 'read',
  scope: 'workflows:read',
  content: 'prose',
  args: z.strictObject({ ticket_id: z.int().positive() }),
  target: ({ ticket_id }) => `ticket ${ticket_id}`,
  async run({ ticket_id }, context) {
    const ticket = await ownTicket(context, ticket_id);
    const { signals, living } = await context.read(async (tx) => ({
      signals: (await logFindings(tx, [context.call.owner.id])).flatMap((f) => f.signals),
      living: await blueprints.list(tx, `where status <> 'superseded' order by number desc limit 500`, []),
    }));
    const traits = traitsOf(ticket, signals);
    const fitting = living.flatMap((blueprint) => {
      const fits = fit(blueprint, traits);
      return fits ? [{ blueprint, ...fits }] : [];
    });
    return {
      blueprints: fitting
        .sort((a, b) => b.score - a.score)
        .slice(0, shown)
        .map(({ blueprint, score, why }) => ({
          id: blueprint.number,
          name: blueprint.name,
          workflow_key: blueprint.workflowKey,
          version: blueprint.version,
          status: blueprint.status,
          score,
          why,
        })),
    };
  },
});
