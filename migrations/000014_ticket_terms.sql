-- Tickets by the words that they hold, newest first, so that those that speak of the same are found by looking at a few of
-- each word. A table of its own because row-level security admits to an index only comparisons that tell nothing, and the
-- match of a tsvector is none of those: with it every ticket of the tenant would be looked at.
create table ticket_terms (
  tenant_id uuid not null, -- the ticket's: its own reference to tenants holds
  term text collate "C" not null,
  number int not null,
  primary key (tenant_id, term, number)
);
select isolate('ticket_terms', 'select, insert, delete');

-- The words of a text in order, without those too short to tell anything or too long to be words; the first 64.
create function telling_terms(body text) returns text[] language sql immutable parallel safe return
  array(select lexeme from unnest(search_terms(body)) where length(lexeme) between 3 and 64 order by positions[1], lexeme limit 64);

create function keep_ticket_terms() returns trigger language plpgsql as $$
begin
  if tg_op <> 'INSERT' then
    delete from ticket_terms where tenant_id = old.tenant_id and number = old.number
      and term = any (telling_terms(old.title || ' ' || old.description));
  end if;
  if tg_op <> 'DELETE' then
    insert into ticket_terms (tenant_id, term, number)
      select new.tenant_id, term, new.number from unnest(telling_terms(new.title || ' ' || new.description)) term;
  end if;
  return null;
end $$;
create trigger keep_terms after insert or delete on tickets for each row execute function keep_ticket_terms();
create trigger keep_terms_moved after update on tickets for each row
  when ((old.title, old.description) is distinct from (new.title, new.description)) execute function keep_ticket_terms();

insert into ticket_terms (tenant_id, term, number)
  select tenant_id, term, number from tickets, unnest(telling_terms(title || ' ' || description)) term;
alter table tickets drop column search;
