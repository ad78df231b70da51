-- Defaults and rule sets of targets, and the effective documents of tables: a table's own document with what they add.

-- `kind` Defaults or RuleSet. Defaults have the name of their target.
create table stringx.layers (
    kind        text not null check (kind in ('Defaults', 'RuleSet')),
    name        text not null,
    target      text not null references stringx.targets (name),
    document    jsonb not null,
    version     integer not null,
    updated_at  timestamptz not null default now(),
    primary key (kind, name)
);
create index layers_by_target on stringx.layers (target);

-- Every version that ever was, deletions (document null) included; versions go on counting after a deletion.
create table stringx.layer_versions (
    kind        text not null,
    name        text not null,
    version     integer not null,
    target      text not null,
    document    jsonb,
    changed_by  text not null,
    changed_at  timestamptz not null default now(),
    primary key (kind, name, version)
);

-- As of other documents: where they were applied from is forgotten with them.
create function stringx.forget_sources_of_layers() returns trigger language plpgsql as $$
begin
    delete from stringx.sources s using gone g where s.kind = g.kind and s.name = g.name;
    return null;
end $$;
create trigger sources_of_layers after delete on stringx.layers referencing old table as gone
    for each statement execute function stringx.forget_sources_of_layers();

-- `effective` is null where the document itself is the effective one. `effective_version` is the version that it was made of: a release
-- before this one, which runs beside it during an upgrade, writes documents without it.
alter table stringx.tables
    add column effective jsonb,
    add column effective_hash text,
    add column effective_version integer;
alter table stringx.table_versions add column effective jsonb;

-- What such a release has written is looked at by the next one within seconds. Until then a table to which its target may add something has
-- no rules: no check of it runs, and its gate is closed.
create function stringx.keep_effective() returns trigger language plpgsql as $$
begin
    if new.effective_version is distinct from new.version then
        new.effective := null;
        new.effective_hash := null;
        new.effective_version := new.version;
        if exists (select from stringx.layers l where l.target = new.target) or new.document ? 'overrides' then
            new.effective := new.document || '{"rules": []}';
            new.effective_hash := 'pending';
        end if;
    end if;
    return new;
end $$;
create trigger keep_effective before insert or update on stringx.tables for each row execute function stringx.keep_effective();

create or replace view stringx.configured_tables as
    select t.target, t.table_name, coalesce(t.effective, t.document) as document, coalesce(t.effective_hash, t.rules_hash) as rules_hash,
           t.version, g.document as target_document, g.version as target_version, greatest(t.updated_at, g.updated_at) as updated_at
    from stringx.tables t join stringx.targets g on g.name = t.target;

-- A `*` or `?` in a rule's column now makes a pattern of it. Names that have one are written as the patterns that mean them.
create function pg_temp.as_glob(name text) returns text language sql immutable as $$
    select case when name ~ '[*?]' then regexp_replace(name, '[][*?]', '[\&]', 'g') else name end
$$;
create function pg_temp.with_globs(document jsonb) returns jsonb language sql immutable as $$
    select jsonb_set(document, '{rules}', (
        select coalesce(jsonb_agg(
            rule
            || case when rule ? 'column' and jsonb_typeof(rule -> 'column') = 'string'
                    then jsonb_build_object('column', pg_temp.as_glob(rule ->> 'column')) else '{}' end
            || case when rule ? 'columns' and jsonb_typeof(rule -> 'columns') = 'array'
                    then jsonb_build_object('columns', (select coalesce(jsonb_agg(pg_temp.as_glob(c) order by n), '[]')
                                                        from jsonb_array_elements_text(rule -> 'columns') with ordinality as of(c, n)))
                    else '{}' end
            order by place), '[]')
        from jsonb_array_elements(document -> 'rules') with ordinality as each(rule, place)))
$$;
update stringx.tables set document = pg_temp.with_globs(document)
where jsonb_path_exists(document, '$.rules[*].column ? (@ like_regex "[*?]")')
   or jsonb_path_exists(document, '$.rules[*].columns[*] ? (@ like_regex "[*?]")');

-- A dataset's `tables` are those that its document names and, by `patterns` (regular expressions, null if it has none), those that match as
-- they are configured now.
alter table stringx.datasets
    add column named text[],
    add column patterns text[];
create function stringx.dataset_tables(of_target text, named text[], patterns text[]) returns text[] language sql stable as $$
    select array(
        select n.name from unnest(named) with ordinality as n (name, place)
        union all
        select * from (
            select t.table_name from stringx.tables t
            where t.target = of_target and t.table_name <> all(named) and t.table_name ~ any(patterns)
            order by t.table_name collate "C") m)
$$;
create function stringx.resolve_datasets() returns trigger language plpgsql as $$
begin
    update stringx.datasets d set tables = r.tables, updated_at = now()
    from (select e.name, stringx.dataset_tables(e.target, e.named, e.patterns) as tables from stringx.datasets e
          where e.patterns is not null and e.target in (select distinct c.target from changed c)) r
    where d.name = r.name and d.tables <> r.tables;
    return null;
end $$;
-- Their names put them behind the triggers that mark the states of tables: these are locked before those of datasets.
create trigger tables_resolved after insert on stringx.tables referencing new table as changed
    for each statement execute function stringx.resolve_datasets();
create trigger tables_resolved_again after delete on stringx.tables referencing old table as changed
    for each statement execute function stringx.resolve_datasets();

-- A release before this one that writes a dataset writes its tables alone.
create function stringx.keep_patterns() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' and new.document is distinct from old.document and new.patterns is not distinct from old.patterns
       and new.patterns is not null and new.tables <> stringx.dataset_tables(new.target, new.named, new.patterns) then
        new.named := null;
        new.patterns := null;
    end if;
    return new;
end $$;
create trigger keep_patterns before update on stringx.datasets for each row execute function stringx.keep_patterns();

-- Owner and tags on the board are the effective ones. As before, an open gate whose rules have changed is not shown as open.
create or replace function stringx.refresh_subjects(of_kind text, changed jsonb) returns void language sql as $$
    insert into stringx.subjects (kind, target, name)
    select of_kind, c.target, c.name from jsonb_to_recordset(changed) as c (target text, name text)
    where not exists (select 1 from stringx.subjects s where s.kind = of_kind and s.target = c.target and s.name = c.name)
    order by c.target, c.name
    on conflict do nothing;
    insert into stringx.states as s (subject_id, kind, target, name, state, rank, owner, tags, by_window, refresh_at)
    select u.subject_id, u.kind, u.target, u.name, 'never_checked', 2, coalesce(c.owner, ''), coalesce(c.tags, '{}'),
           coalesce(c.decided_by = 'window', false), clock_timestamp()
    from jsonb_to_recordset(changed) as c (target text, name text, owner text, tags text[], decided_by text)
    join stringx.subjects u on u.kind = of_kind and u.target = c.target and u.name = c.name
    order by u.subject_id
    on conflict (subject_id) do update set
        owner = excluded.owner, tags = excluded.tags, by_window = excluded.by_window, refresh_at = clock_timestamp(),
        state = case when s.state = 'open' and s.by_window <> excluded.by_window then 'stale' else s.state end,
        rank = case when s.state = 'open' and s.by_window <> excluded.by_window then 1 else s.rank end;
$$;
create or replace function stringx.tables_changed() returns trigger language plpgsql as $$
begin
    perform stringx.refresh_subjects('table', (
        select jsonb_agg(jsonb_build_object('target', target, 'name', table_name, 'owner', e.document ->> 'owner', 'tags', e.document -> 'tags',
                                            'decided_by', e.document #>> '{gate,decided_by}'))
        from changed cross join lateral (select coalesce(effective, changed.document) as document) e));
    if tg_op = 'UPDATE' then
        update stringx.states s set state = 'stale', rank = 1
        from changed c where s.kind = 'table' and s.target = c.target and s.name = c.table_name
                         and s.state = 'open' and s.rules_hash is distinct from coalesce(c.effective_hash, c.rules_hash);
    end if;
    update stringx.states s set refresh_at = clock_timestamp()
    from (select distinct d.target, d.name from stringx.datasets d cross join lateral unnest(d.tables) as t (table_name)
          join changed c on c.target = d.target and c.table_name = t.table_name) d
    where s.kind = 'dataset' and s.target = d.target and s.name = d.name;
    return null;
end $$;
create or replace function stringx.datasets_changed() returns trigger language plpgsql as $$
begin
    delete from stringx.states s using changed c where s.kind = 'dataset' and s.name = c.name and s.target <> c.target;
    perform stringx.refresh_subjects('dataset', (
        select jsonb_agg(jsonb_build_object('target', target, 'name', name, 'owner', document ->> 'owner', 'tags', document -> 'tags',
                                            'decided_by', document #>> '{gate,decided_by}')) from changed));
    return null;
end $$;
