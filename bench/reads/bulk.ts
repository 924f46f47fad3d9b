import type { Client } from 'pg';

/**
 * Fills a table as fast as a table is filled: its indexes are taken away, and made in one sort each when the rows are
 * there. What foreign keys lean on stays, so rows should come in its order.
 */
export async function filled(owner: Client, table: string, fill: () => Promise<unknown>): Promise<void> {
  const { rows: indexes } = await owner.query<{ away: string; back: string }>(
    `select case when c.oid is null then format('drop index %s', i.indexrelid::regclass)
         else format('alter table %s drop constraint %I', i.indrelid::regclass, c.conname) end as away,
       case when c.oid is null then pg_get_indexdef(i.indexrelid)
         else format('alter table %s add constraint %I %s', i.indrelid::regclass, c.conname, pg_get_constraintdef(c.oid)) end as back
     from pg_index i left join pg_constraint c on c.conindid = i.indexrelid and c.contype in ('p', 'u')
     where i.indrelid = $1::regclass and not exists (select from pg_constraint f where f.conindid = i.indexrelid and f.contype = 'f')
     order by c.oid is null`,
    [table],
  );
  for (const { away } of indexes) await owner.query(away);
  await fill();
  for (const { back } of indexes) await owner.query(back);
  await owner.query(`vacuum (analyze) ${table}`);
}
