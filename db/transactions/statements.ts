/**
 * What is asked of a relation with the columns transaction_id, occurred_at, customer_id, terminal_id, amount and disputed_at
 * (null: not disputed). A dispute that came after the moment asked about is not shown.
 */
const columns = (seen: string): string =>
  `transaction_id as "transactionId", occurred_at as "occurredAt", customer_id as "customerId", terminal_id as "terminalId", amount, ${seen} as "disputedAt"`;
const untilThen = columns('case when disputed_at <= $3 then disputed_at end');

export const find = (relation: string): string =>
  `select ${columns('null::timestamptz')} from ${relation} s where transaction_id = $1`;

/** $1 the id, $2 since, $3 before, $4 most. */
export const newestOf = (relation: string, key: 'customer_id' | 'terminal_id'): string =>
  `select ${untilThen} from ${relation} s
   where ${key} = $1 and occurred_at >= $2 and occurred_at < $3
   order by occurred_at desc, transaction_id desc limit $4`;

/** $1 the ids, $2 since, $3 until, $4 most. */
export const disputedOf = (relation: string, key: 'customer_id' | 'terminal_id'): string =>
  `select ${untilThen} from ${relation} s
   where ${key} = any ($1) and disputed_at >= $2 and disputed_at <= $3
   order by disputed_at desc, transaction_id desc limit $4`;

/** $1 the customers, $2 since, $3 before, $4 the most payments of each; those that were disputed by then are no habit. */
export const usualOf = (relation: string): string =>
  `select c.customer_id as "customerId", count(*)::int as payments, avg(p.amount)::float8 as mean
   from unnest($1::text[]) as c (customer_id), lateral (
     select amount from ${relation} s
     where s.customer_id = c.customer_id and occurred_at >= $2 and occurred_at < $3
       and (disputed_at is null or disputed_at > $3)
     order by occurred_at desc limit $4) p
   group by c.customer_id`;
