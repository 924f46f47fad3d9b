-- Whether a log goes on behind a reader's place: by its last entry. Asked whether there is any entry beyond it, Postgres
-- hopes to meet one soon and reads the whole log when there is none, which is the usual case.

create or replace function tenants_behind(of_reader text) returns setof uuid language plpgsql as $$
declare
  tenant uuid;
begin
  for tenant in select id from tenants order by id loop
    perform set_config('app.tenant', tenant::text, true);
    if (select l.seq from log l where l.tenant_id = tenant order by l.seq desc limit 1) > coalesce(
        (select c.seq from cursors c where c.tenant_id = tenant and c.reader = of_reader), 0) then
      return next tenant;
    end if;
  end loop;
  perform set_config('app.tenant', '', true);
end $$;
