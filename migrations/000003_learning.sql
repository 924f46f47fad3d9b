-- What was learned: words to find it by, every version of a blueprint, and what a promotion has to take back.

-- The words of a text as domain/terms.ts reads them: without accents and capitals, letters and digits only.
create function search_terms(body text) returns tsvector language sql immutable parallel safe return
  to_tsvector('simple'::regconfig, regexp_replace(
    regexp_replace(normalize(left(body, 50000), nfkd), '[\u0300-\u036f]+', '', 'g'),
    '[\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u007f]+', ' ', 'g'));

alter table articles add column search tsvector not null generated always as (search_terms(title || ' ' || body)) stored;
alter table tickets add column search tsvector not null generated always as (search_terms(title || ' ' || description)) stored;

-- Every version that a blueprint ever had, whoever wrote it.
create table blueprint_versions (
  tenant_id uuid not null references tenants,
  blueprint_id uuid not null references blueprints,
  version int not null,
  content jsonb not null,
  recorded_at timestamptz not null default now(),
  primary key (blueprint_id, version)
);
select isolate('blueprint_versions', 'select, insert');

create function keep_blueprint_version() returns trigger language plpgsql as $$
begin
  insert into blueprint_versions (tenant_id, blueprint_id, version, content)
    values (new.tenant_id, new.id, new.version, to_jsonb(new));
  return null;
end $$;
create trigger keep_first_version after insert on blueprints for each row execute function keep_blueprint_version();
create trigger keep_version after update on blueprints for each row
  when (old.version is distinct from new.version) execute function keep_blueprint_version();

-- Which promotion made a part, and what it takes to take it back: another promotion of the same postmortem only finds it.
alter table promotion_parts add column promotion text not null default '', add column undo jsonb not null default '{}';
