-- Schedules: docs/decisions/0030-schedules.md. Their documents are those of stringx.watch_documents; what follows is what became of them.

-- The schedule that asked; null for everybody else. The `source` of such a request is http, which an earlier release can read, too.
alter table stringx.requests add column schedule text;
create or replace function stringx.count_request() returns trigger language plpgsql as $$
begin
    insert into stringx.totals as t (source, target, status, verdict, requests)
    values (case when new.schedule is null then new.source else 'schedule' end, new.target, new.status, coalesce(new.verdict, 'error'), 1)
    on conflict (source, target, status, verdict) do update set requests = t.requests + 1;
    return null;
end $$;

-- `version` and `document_at` are those of the document that `timing` (its cron and zone) was read from; `counted_from`: what was due until then
-- is no concern any more; `last_due_at`: the latest that ran or was skipped; `next_due_at`: null if it never is. A pause without `paused_until`
-- lasts until somebody ends it.
create table stringx.schedule_states (
    name          text primary key,
    version       bigint not null,
    document_at   timestamptz not null,
    timing        text not null,
    is_active     boolean not null,
    counted_from  timestamptz not null,
    last_due_at   timestamptz,
    next_due_at   timestamptz,
    paused_at     timestamptz,
    paused_by     text,
    paused_until  timestamptz
);
create index schedule_states_due on stringx.schedule_states (next_due_at) where next_due_at is not null;

-- missed: it was due while no Backend ran, or together with later ones. `window_from`, `window_to`: of all its requests. A run that was skipped has
-- no items and has ended. `counts`: of its items, as stringx.schedule_counts has them when it ends.
create table stringx.schedule_runs (
    run_id           uuid primary key default stringx.uuid_v7(),
    name             text not null,
    target           text not null,
    due_at           timestamptz not null,
    kind             text not null check (kind in ('cron', 'missed', 'manual')),
    asked_by         text,
    window_column    text,
    window_from      text,
    window_to        text,
    started_at       timestamptz not null,
    ended_at         timestamptz,
    skipped_because  text,
    counts           jsonb,
    unique (name, due_at)
);
create index schedule_runs_unended on stringx.schedule_runs (name) where ended_at is null;
create index schedule_runs_by_time on stringx.schedule_runs (started_at);

-- What a run checks: the request of each, made at `start_at` or soon after. `refused_because`: no request could be made.
create table stringx.schedule_items (
    run_id           uuid not null references stringx.schedule_runs on delete cascade,
    subject_kind     text not null check (subject_kind in ('table', 'dataset')),
    target           text not null,
    name             text not null,
    start_at         timestamptz not null,
    request_id       text not null,
    started_at       timestamptz,
    ended_at         timestamptz,
    refused_because  text,
    primary key (run_id, subject_kind, name)
);
create index schedule_items_unstarted on stringx.schedule_items (start_at) where started_at is null and ended_at is null;
create index schedule_items_running on stringx.schedule_items (run_id) where ended_at is null;
create index schedule_items_by_request on stringx.schedule_items (request_id);

-- How the checks of a run stand; verdicts are those of its requests that have ended.
create function stringx.schedule_counts(of_run uuid) returns jsonb language sql stable as $$
    select jsonb_build_object(
        'checks', count(*), 'waiting', count(*) filter (where i.started_at is null and i.ended_at is null),
        'running', count(*) filter (where i.started_at is not null and q.request_id is not null and q.finished_at is null),
        'refused', count(*) filter (where i.refused_because is not null),
        'pass', count(*) filter (where q.finished_at is not null and q.verdict = 'pass'),
        'warn', count(*) filter (where q.finished_at is not null and q.verdict = 'warn'),
        'fail', count(*) filter (where q.finished_at is not null and q.verdict = 'fail'),
        'error', count(*) filter (where q.finished_at is not null and coalesce(q.verdict, 'error') = 'error'))
    from stringx.schedule_items i left join stringx.requests q on q.request_id = i.request_id
    where i.run_id = of_run
$$;

-- When a check of a table or dataset is expected: {time, timezone, grace} of its document, its own zone filled in. `since`: deadlines before it are
-- none. `next_deadline_at`: null until somebody has worked it out. `missed_at`: the first deadline by which no check has come.
create table stringx.expectations (
    subject_kind      text not null check (subject_kind in ('table', 'dataset')),
    target            text not null,
    name              text not null,
    expected_by       jsonb not null,
    since             timestamptz not null default clock_timestamp(),
    next_deadline_at  timestamptz,
    missed_at         timestamptz,
    is_gone           boolean not null default false,  -- the document no longer says so: what was missed is over
    primary key (target, name, subject_kind)
);
create index expectations_due on stringx.expectations (next_deadline_at nulls first);

create function stringx.expect_checks(of_kind text, changed jsonb) returns void language sql as $$
    with said as (
        select c.target, c.name, case when jsonb_typeof(c.expected_by) = 'object'
                                      then jsonb_build_object('timezone', coalesce(c.timezone, 'UTC')) || jsonb_strip_nulls(c.expected_by) end as expected_by
        from jsonb_to_recordset(changed) as c (target text, name text, expected_by jsonb, timezone text)),
    kept as (
        insert into stringx.expectations as e (subject_kind, target, name, expected_by)
        select of_kind, s.target, s.name, s.expected_by from said s where s.expected_by is not null order by s.target, s.name
        on conflict (target, name, subject_kind) do update set
            expected_by = excluded.expected_by, since = clock_timestamp(), next_deadline_at = null, is_gone = false
        where e.expected_by <> excluded.expected_by or e.is_gone)
    update stringx.expectations e set is_gone = true, next_deadline_at = null
    from said s where e.subject_kind = of_kind and e.target = s.target and e.name = s.name and s.expected_by is null and not e.is_gone;
$$;
create function stringx.tables_expected() returns trigger language plpgsql as $$
begin
    perform stringx.expect_checks('table', (
        select jsonb_agg(jsonb_build_object('target', target, 'name', table_name, 'expected_by', e.document -> 'expected_by',
                                            'timezone', e.document ->> 'timezone'))
        from changed cross join lateral (select coalesce(effective, changed.document) as document) e));
    return null;
end $$;
create function stringx.datasets_expected() returns trigger language plpgsql as $$
begin
    perform stringx.expect_checks('dataset', (
        select jsonb_agg(jsonb_build_object('target', target, 'name', name, 'expected_by', document -> 'expected_by', 'timezone', document ->> 'timezone'))
        from changed));
    return null;
end $$;
create function stringx.tables_unexpected() returns trigger language plpgsql as $$
begin
    delete from stringx.expectations e using changed c where e.subject_kind = 'table' and e.target = c.target and e.name = c.table_name;
    return null;
end $$;
create function stringx.datasets_unexpected() returns trigger language plpgsql as $$
begin
    delete from stringx.expectations e using changed c where e.subject_kind = 'dataset' and e.target = c.target and e.name = c.name;
    return null;
end $$;
create trigger watch_tables_created after insert on stringx.tables referencing new table as changed
    for each statement execute function stringx.tables_expected();
create trigger watch_tables_changed after update on stringx.tables referencing new table as changed
    for each statement execute function stringx.tables_expected();
create trigger watch_tables_deleted after delete on stringx.tables referencing old table as changed
    for each statement execute function stringx.tables_unexpected();
create trigger watch_datasets_created after insert on stringx.datasets referencing new table as changed
    for each statement execute function stringx.datasets_expected();
create trigger watch_datasets_changed after update on stringx.datasets referencing new table as changed
    for each statement execute function stringx.datasets_expected();
create trigger watch_datasets_deleted after delete on stringx.datasets referencing old table as changed
    for each statement execute function stringx.datasets_unexpected();
-- A dataset that moves to another target is expected there alone.
create function stringx.dataset_moved() returns trigger language plpgsql as $$
begin
    delete from stringx.expectations e where e.subject_kind = 'dataset' and e.target = old.target and e.name = old.name;
    return null;
end $$;
create trigger watch_dataset_moved after update on stringx.datasets for each row when (old.target <> new.target)
    execute function stringx.dataset_moved();
