-- Gates that checks of a window with all rules decide, too (`gate: {decided_by: window}`); and a history that was refused is tried again.

-- Of a request's body, or of what a check was narrowed to: whether it is of a window, and leaves out no rule of the stored document, as a trial may do.
create function stringx.has_all_rules(narrowed jsonb) returns boolean language sql immutable parallel safe as $$
    select narrowed ? 'window' and not narrowed ?| array['kinds', 'dimensions', 'rule_ids', 'document', 'trial']
$$;

-- Of a window, with all rules. Also of results that a release before this one stores, which runs beside it during an upgrade.
alter table stringx.results add column is_window boolean not null default false;
alter table stringx.dataset_results add column is_window boolean not null default false;
update stringx.results r set is_window = true
from stringx.requests q where q.request_id = r.request_id and not r.is_full and stringx.has_all_rules(q.body);
update stringx.dataset_results d set is_window = true
from stringx.results r where r.check_id = d.check_id and r.is_window and not d.is_full;
create function stringx.mark_window() returns trigger language plpgsql as $$
begin
    new.is_window := exists (select from stringx.requests q where q.request_id = new.request_id and stringx.has_all_rules(q.body));
    return new;
end $$;
create trigger mark_window before insert on stringx.results for each row
    when (not new.is_full and not new.is_window) execute function stringx.mark_window();
create function stringx.mark_window_of_dataset() returns trigger language plpgsql as $$
begin
    new.is_window := exists (select from stringx.results r where r.check_id = new.check_id and r.is_window);
    return new;
end $$;
create trigger mark_window before insert on stringx.dataset_results for each row
    when (not new.is_full and not new.is_window) execute function stringx.mark_window_of_dataset();

-- How often the history of a result was refused, and when it is tried again.
alter table stringx.results add column point_tries smallint not null default 0, add column points_after timestamptz;

-- The messages of rules that did not pass, by table and rule, bounded: a page shows them without reading the whole result.
alter table stringx.results add column messages json;

-- Whether windows decide, too.
alter table stringx.states add column by_window boolean not null default false;

create or replace function stringx.refresh_subjects(of_kind text, changed jsonb) returns void language sql as $$
    insert into stringx.subjects (kind, target, name)
    select of_kind, c.target, c.name from jsonb_to_recordset(changed) as c (target text, name text)
    where not exists (select 1 from stringx.subjects s where s.kind = of_kind and s.target = c.target and s.name = c.name)
    order by c.target, c.name
    on conflict do nothing;
    insert into stringx.states as s (subject_id, kind, target, name, state, rank, owner, by_window, refresh_at)
    select u.subject_id, u.kind, u.target, u.name, 'never_checked', 2, coalesce(c.owner, ''), coalesce(c.decided_by = 'window', false), clock_timestamp()
    from jsonb_to_recordset(changed) as c (target text, name text, owner text, decided_by text)
    join stringx.subjects u on u.kind = of_kind and u.target = c.target and u.name = c.name
    order by u.subject_id
    on conflict (subject_id) do update set
        owner = excluded.owner, by_window = excluded.by_window, refresh_at = clock_timestamp(),
        state = case when s.state = 'open' and s.by_window <> excluded.by_window then 'stale' else s.state end,
        rank = case when s.state = 'open' and s.by_window <> excluded.by_window then 1 else s.rank end;
$$;
create or replace function stringx.tables_changed() returns trigger language plpgsql as $$
begin
    perform stringx.refresh_subjects('table', (
        select jsonb_agg(jsonb_build_object('target', target, 'name', table_name, 'owner', document ->> 'owner',
                                            'decided_by', document #>> '{gate,decided_by}')) from changed));
    if tg_op = 'UPDATE' then
        update stringx.states s set state = 'stale', rank = 1
        from changed c where s.kind = 'table' and s.target = c.target and s.name = c.table_name
                         and s.state = 'open' and s.rules_hash is distinct from c.rules_hash;
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
        select jsonb_agg(jsonb_build_object('target', target, 'name', name, 'owner', document ->> 'owner',
                                            'decided_by', document #>> '{gate,decided_by}')) from changed));
    return null;
end $$;
