-- What was learned is changed by people as well as by promotions: every version of it is kept, with who wrote it.

alter table articles
  add version int not null default 1,
  add changed_by text not null default '',
  drop column search,
  -- What the title says tells more than the body.
  add search tsvector not null generated always as (
    setweight(search_terms(title), 'A') || setweight(search_terms(body), 'B')) stored;

-- Articles by the words that they hold, for the reason that tickets are (000014): no index over a tsvector is looked into
-- under row-level security.
create table article_terms (
  tenant_id uuid not null,
  term text collate "C" not null,
  number int not null,
  primary key (tenant_id, term, number)
);
select isolate('article_terms', 'select, insert, delete');

create function keep_article_terms() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' then
    delete from article_terms where tenant_id = old.tenant_id and number = old.number and term = any (
      array(select lexeme from unnest(old.search) except select lexeme from unnest(new.search)));
  end if;
  insert into article_terms (tenant_id, term, number)
    select new.tenant_id, lexeme, new.number from unnest(new.search) on conflict do nothing;
  return null;
end $$;
create trigger keep_terms after insert on articles for each row execute function keep_article_terms();
create trigger keep_terms_moved after update on articles for each row
  when (old.search is distinct from new.search) execute function keep_article_terms();
insert into article_terms (tenant_id, term, number) select tenant_id, lexeme, number from articles, unnest(search);

create table article_versions (
  tenant_id uuid not null references tenants,
  article_id uuid not null references articles,
  version int not null,
  content jsonb not null,
  recorded_at timestamptz not null default now(),
  primary key (article_id, version)
);
select isolate('article_versions', 'select, insert');

create function keep_article_version() returns trigger language plpgsql as $$
begin
  insert into article_versions (tenant_id, article_id, version, content)
    values (new.tenant_id, new.id, new.version, to_jsonb(new) - 'search');
  return null;
end $$;
create trigger keep_first_version after insert on articles for each row execute function keep_article_version();
create trigger keep_version after update on articles for each row
  when (old.version is distinct from new.version) execute function keep_article_version();
insert into article_versions (tenant_id, article_id, version, content, recorded_at)
  select tenant_id, id, version, to_jsonb(articles) - 'search', updated_at from articles;

-- A skill's row is the version in use. Another may stand beside it, to be tried before it takes its place.
alter table skills
  add version int not null default 1,
  add latest_version int not null default 1,
  add candidate_version int,
  add parameters jsonb not null default '[]',
  add changed_by text not null default '',
  -- Deleted ones are kept for the workflows and postmortems that name them; their name is free.
  add deleted_at timestamptz,
  drop constraint skills_tenant_id_name_key;
create unique index skills_name on skills (tenant_id, name) where deleted_at is null;

create table skill_versions (
  tenant_id uuid not null references tenants,
  skill_id uuid not null references skills on delete cascade,
  version int not null,
  content jsonb not null,
  recorded_at timestamptz not null default now(),
  primary key (skill_id, version)
);
select isolate('skill_versions', 'select, insert');

-- The candidate is written before it is the row, and finds its version there when it becomes that.
create function keep_skill_version() returns trigger language plpgsql as $$
begin
  insert into skill_versions (tenant_id, skill_id, version, content)
    values (new.tenant_id, new.id, new.version, to_jsonb(new)) on conflict do nothing;
  return null;
end $$;
create trigger keep_first_version after insert on skills for each row execute function keep_skill_version();
create trigger keep_version after update on skills for each row
  when (old.version is distinct from new.version) execute function keep_skill_version();
insert into skill_versions (tenant_id, skill_id, version, content, recorded_at)
  select tenant_id, id, version, to_jsonb(skills), updated_at from skills;

-- Whose runs have a skill that not everybody's have.
create table skill_assignments (
  tenant_id uuid not null references tenants,
  skill_id uuid not null references skills on delete cascade,
  agent_id uuid not null references agents,
  primary key (skill_id, agent_id)
);
create index skill_assignments_agent on skill_assignments (tenant_id, agent_id);
select isolate('skill_assignments', 'select, insert, delete');

-- A new version may live under the key of the active one until it takes its place; active is one of them.
drop index blueprints_key;
create unique index blueprints_active on blueprints (tenant_id, workflow_key) where status = 'active';
create index blueprints_living on blueprints (tenant_id, workflow_key) where status <> 'superseded';
alter table blueprints add review_notes text;
