import { prepared } from './prepared';
import type { Read } from './tx';

/** Terms hold letters and digits only, so quoting them is all the escaping there is. */
const anyOf = (terms: readonly string[]): string => terms.map((term) => `'${term}'`).join(' | ');

/** What a match is read for; the rest of a long text would only be carried around. */
const readChars = 20_000;

export interface ArticleMatch {
  number: number;
  title: string;
  body: string;
}

/** Enabled articles that hold any of the terms, those that hold most of them often first. */
export async function articlesWith(tx: Read, terms: readonly string[], limit: number): Promise<ArticleMatch[]> {
  if (terms.length === 0) return [];
  const { rows } = await prepared<ArticleMatch & Record<string, unknown>>(
    tx,
    `select number, title, left(body, ${readChars}) as body from articles, to_tsquery('simple', $1) as wanted
     where enabled and search @@ wanted order by ts_rank(search, wanted) desc, number desc limit $2`,
    [anyOf(terms), limit],
  );
  return rows;
}

export interface TicketMatch {
  number: number;
  title: string;
  description: string;
  status: string;
}

/** How far back a word is followed: what is older and shares no rarer word with a text is not found. */
const newestOfTerm = 50;

/**
 * Other tickets that hold any of the terms, those that hold most of them first: of each term the newest are looked at, so
 * what a search costs grows with its terms and not with the tickets. Left out: the ticket's own children, and what is
 * classified higher than it; a classification that nobody knows is higher than all.
 */
export async function ticketsWith(
  tx: Read,
  ticketId: string,
  terms: readonly string[],
  limit: number,
): Promise<TicketMatch[]> {
  if (terms.length === 0) return [];
  const rank = (alias: string): string =>
    `coalesce(array_position(array['public', 'internal', 'confidential', 'restricted', 'secret'], ${alias}.security_classification), 9)`;
  const { rows } = await prepared<TicketMatch & Record<string, unknown>>(
    tx,
    `select t.number, t.title, left(t.description, ${readChars}) as description, t.status
     from tickets own, (
       select p.number, count(*) as shared from unnest($2::text[]) as wanted (term)
         cross join lateral (select number from ticket_terms where term = wanted.term order by number desc limit ${newestOfTerm}) p
       group by p.number order by shared desc, p.number desc limit $3 * 2
     ) found join tickets t on t.number = found.number
     where own.id = $1 and t.id <> own.id and t.parent_ticket_id is distinct from own.id and ${rank('t')} <= ${rank('own')}
     order by found.shared desc, t.number desc limit $3`,
    [ticketId, terms, limit],
  );
  return rows;
}

export interface ActiveLease {
  number: number;
  resource_id: string;
  credential_ref: string;
}

/** What a run may use now on a kind of resource, the narrowest lease last granted first. */
export async function activeLeases(
  tx: Read,
  of: { runId: string; system: string; resourceType: string; action: string },
): Promise<ActiveLease[]> {
  const { rows } = await tx.query<ActiveLease & Record<string, unknown>>(
    `select number, resource_id, credential_ref from leases
     where run_id = $1 and status = 'active' and expires_at > now() and system = $2 and resource_type = $3
       and action in ($4, '*') order by length(resource_id) desc, number desc`,
    [of.runId, of.system, of.resourceType, of.action],
  );
  return rows;
}
