-- Whose log is ahead of a reader: two index entries a tenant, each looked at with that tenant's eyes, because no role sees
-- the rows of several. Runs as its caller; app.system has to be on, or there is no tenant to look at.
create function tenants_behind(of_reader text) returns setof uuid language plpgsql as $$
declare
  tenant uuid;
begin
  for tenant in select id from tenants order by id loop
    perform set_config('app.tenant', tenant::text, true);
    if exists (select from log l where l.tenant_id = tenant and l.seq > coalesce(
        (select c.seq from cursors c where c.tenant_id = tenant and c.reader = of_reader), 0)) then
      return next tenant;
    end if;
  end loop;
  perform set_config('app.tenant', '', true);
end $$;
