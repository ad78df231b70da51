-- History: what each check found per table, dataset and rule; and the present state of each configured table and dataset.

-- Whatever has a history, also after its document was deleted.
create table stringx.subjects (
    subject_id  bigint generated always as identity primary key,
    kind        text not null check (kind in ('table', 'dataset')),
    target      text not null,
    name        text not null,
    unique (kind, target, name)
);
create table stringx.subject_rules (
    rule_key    bigint generated always as identity primary key,
    subject_id  bigint not null references stringx.subjects,
    rule_id     text not null,
    unique (subject_id, rule_id)
);

-- A point per check. `at` is the time of its snapshot, or of its end if it has none; `gate` is as its verdict alone left it.
create table stringx.check_points (
    subject_id      bigint not null,
    at              timestamptz not null,
    check_id        uuid not null,
    request_id      text not null,
    status          text not null,
    verdict         text not null,
    gate            text not null,
    is_full         boolean not null,
    narrowed_to     jsonb,
    counts          jsonb not null,
    row_count       bigint,
    score           double precision,
    duration_ms     bigint,
    config_version  integer,
    primary key (subject_id, at, check_id)
) partition by range (at);
create table stringx.check_points_rest partition of stringx.check_points default;

-- A point per rule and check without a window: these look at the same rows. A rule in error has no numbers.
create table stringx.rule_points (
    rule_key        bigint not null,
    at              timestamptz not null,
    check_id        uuid not null,
    status          text not null,
    failures        bigint,
    total           bigint,
    measured        double precision,
    config_version  integer,
    primary key (rule_key, at, check_id)
) partition by range (at);
create table stringx.rule_points_rest partition of stringx.rule_points default;
-- A day of all rules, to be summed.
create index rule_points_by_time on stringx.rule_points using brin (at) with (autosummarize = on);

-- What stays of a rule's points after they are deleted: `value` is the share of failures, or what was measured.
create table stringx.rule_days (
    rule_key        bigint not null,
    day             date not null,
    last_at         timestamptz not null,
    last_value      double precision,
    min_value       double precision,
    max_value       double precision,
    pass            integer not null,
    warn            integer not null,
    fail            integer not null,
    error           integer not null,
    config_version  integer,
    primary key (rule_key, day)
);
create table stringx.summed_days (day date primary key);

-- Makes the partitions of a month (UTC) where they are missing. Rows that came before are moved out of the default partition.
create function stringx.make_partitions(month date) returns void language plpgsql as $$
declare
    low    constant timestamptz := (date_trunc('month', month::timestamp)) at time zone 'UTC';
    high   constant timestamptz := (date_trunc('month', month::timestamp) + interval '1 month') at time zone 'UTC';
    parent text;
    part   text;
begin
    perform pg_advisory_xact_lock(7418205341);
    foreach parent in array array['check_points', 'rule_points'] loop
        part := parent || to_char(month, '_YYYY_MM');
        if to_regclass('stringx.' || part) is null then
            execute format('create table stringx.%I (like stringx.%I including all)', part, parent);
            execute format('with moved as (delete from stringx.%I where at >= %L and at < %L returning *) insert into stringx.%I select * from moved',
                           parent || '_rest', low, high, part);
            execute format('alter table stringx.%I attach partition stringx.%I for values from (%L) to (%L)', parent, part, low, high);
        end if;
    end loop;
end $$;

-- The present state of a configured table or dataset. `gate` is the decided one: as the last deciding check left it, since `since`.
-- `state` also sees what has changed after that check; `rank` orders the board. `refresh_at` is when to look again.
create table stringx.states (
    subject_id      bigint primary key references stringx.subjects,
    kind            text not null,
    target          text not null,
    name            text not null,
    state           text not null check (state in ('closed', 'stale', 'never_checked', 'open')),
    rank            smallint not null,
    gate            text check (gate in ('open', 'closed')),
    since           timestamptz,
    verdict         text,
    reasons         text[] not null default '{}',
    rules_hash      text,
    check_id        uuid,
    request_id      text,
    decided_at      timestamptz,
    snapshot_at     timestamptz,
    checked_at      timestamptz,
    row_count       bigint,
    score           double precision,
    duration_ms     bigint,
    recent          text[] not null default '{}',
    owner           text not null default '',
    tags            text[] not null default '{}',
    refresh_at      timestamptz
);
create index states_board on stringx.states (kind, rank, target, name);
create index states_by_name on stringx.states (kind, target, name);
create index states_due on stringx.states (refresh_at) where refresh_at is not null;

-- Writes down what a result says: `parts` are what it is about (a table; a dataset and its tables), `points` their rules. With `decides`
-- also the present states, where nothing newer has decided. A function, because its statements are planned once per connection.
create function stringx.record_history(
    parts jsonb, points jsonb, of_at timestamptz, of_check_id uuid, of_request_id text, of_status text, of_full boolean, of_narrowed_to jsonb,
    of_duration_ms bigint, of_snapshot_at timestamptz, of_checked_at timestamptz, decides boolean, most_recent integer
) returns void language plpgsql as $$
begin
    insert into stringx.subjects (kind, target, name)
    select p.kind, p.target, p.name from jsonb_to_recordset(parts) as p (kind text, target text, name text)
    where not exists (select 1 from stringx.subjects s where s.kind = p.kind and s.target = p.target and s.name = p.name)
    order by p.kind desc, p.name
    on conflict do nothing;

    insert into stringx.subject_rules (subject_id, rule_id)
    select s.subject_id, p.rule_id from jsonb_to_recordset(points) as p (kind text, target text, name text, rule_id text)
    join stringx.subjects s on s.kind = p.kind and s.target = p.target and s.name = p.name
    where not exists (select 1 from stringx.subject_rules r where r.subject_id = s.subject_id and r.rule_id = p.rule_id)
    order by s.subject_id, p.rule_id
    on conflict do nothing;

    insert into stringx.check_points (subject_id, at, check_id, request_id, status, verdict, gate, is_full, narrowed_to, counts, row_count, score,
                                      duration_ms, config_version)
    select s.subject_id, of_at, of_check_id, of_request_id, of_status, p.verdict, p.gate, of_full, of_narrowed_to, p.counts, p.row_count, p.score,
           of_duration_ms, p.config_version
    from jsonb_to_recordset(parts) as p (kind text, target text, name text, verdict text, gate text, counts jsonb, row_count bigint,
                                         score double precision, config_version integer)
    join stringx.subjects s on s.kind = p.kind and s.target = p.target and s.name = p.name
    on conflict do nothing;

    insert into stringx.rule_points (rule_key, at, check_id, status, failures, total, measured, config_version)
    select r.rule_key, of_at, of_check_id, p.status, p.failures, p.total, p.measured, p.config_version
    from jsonb_to_recordset(points) as p (kind text, target text, name text, rule_id text, status text, failures bigint, total bigint,
                                          measured double precision, config_version integer)
    join stringx.subjects s on s.kind = p.kind and s.target = p.target and s.name = p.name
    join stringx.subject_rules r on r.subject_id = s.subject_id and r.rule_id = p.rule_id
    on conflict do nothing;

    if not decides then
        return;
    end if;
    -- A refresh that was asked for meanwhile still takes place.
    update stringx.states s set
        state = p.state, rank = p.rank, gate = p.gate, since = case when s.gate is distinct from p.gate then of_at else s.since end,
        verdict = p.verdict, reasons = p.reasons, rules_hash = p.rules_hash, check_id = of_check_id, request_id = of_request_id, decided_at = of_at,
        snapshot_at = of_snapshot_at, checked_at = of_checked_at, row_count = p.row_count, score = p.score, duration_ms = of_duration_ms,
        recent = (s.recent || p.verdict)[greatest(1, cardinality(s.recent) + 2 - most_recent):],
        refresh_at = least(s.refresh_at, p.stale_at)
    from (
        select p.*, t.subject_id from jsonb_to_recordset(parts) as p (
            kind text, target text, name text, state text, rank smallint, gate text, verdict text, reasons text[], rules_hash text, row_count bigint,
            score double precision, stale_at timestamptz)
        join stringx.states t on t.kind = p.kind and t.target = p.target and t.name = p.name
        where p.state is not null
        order by t.kind desc, t.subject_id for update of t
    ) p
    where s.subject_id = p.subject_id and (s.decided_at is null or s.decided_at <= of_at);
end $$;

-- A changed document makes its state look again at once. An open gate whose rules have changed is not shown as open until then.
create function stringx.refresh_subjects(of_kind text, changed jsonb) returns void language sql as $$
    insert into stringx.subjects (kind, target, name)
    select of_kind, c.target, c.name from jsonb_to_recordset(changed) as c (target text, name text)
    where not exists (select 1 from stringx.subjects s where s.kind = of_kind and s.target = c.target and s.name = c.name)
    order by c.target, c.name
    on conflict do nothing;
    insert into stringx.states as s (subject_id, kind, target, name, state, rank, owner, refresh_at)
    select u.subject_id, u.kind, u.target, u.name, 'never_checked', 2, coalesce(c.owner, ''), clock_timestamp()
    from jsonb_to_recordset(changed) as c (target text, name text, owner text)
    join stringx.subjects u on u.kind = of_kind and u.target = c.target and u.name = c.name
    order by u.subject_id
    on conflict (subject_id) do update set owner = excluded.owner, refresh_at = clock_timestamp();
$$;
create function stringx.tables_changed() returns trigger language plpgsql as $$
begin
    perform stringx.refresh_subjects('table', (select jsonb_agg(jsonb_build_object('target', target, 'name', table_name, 'owner', document ->> 'owner')) from changed));
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
create function stringx.tables_deleted() returns trigger language plpgsql as $$
begin
    delete from stringx.states s using changed c where s.kind = 'table' and s.target = c.target and s.name = c.table_name;
    return null;
end $$;
create function stringx.datasets_changed() returns trigger language plpgsql as $$
begin
    delete from stringx.states s using changed c where s.kind = 'dataset' and s.name = c.name and s.target <> c.target;
    perform stringx.refresh_subjects('dataset', (select jsonb_agg(jsonb_build_object('target', target, 'name', name, 'owner', document ->> 'owner')) from changed));
    return null;
end $$;
create function stringx.datasets_deleted() returns trigger language plpgsql as $$
begin
    delete from stringx.states s using changed c where s.kind = 'dataset' and s.name = c.name;
    return null;
end $$;
create function stringx.target_changed() returns trigger language plpgsql as $$
begin
    if old.document is distinct from new.document then
        with locked as (select subject_id from stringx.states where target = new.name order by kind desc, subject_id for update)
        update stringx.states s set refresh_at = clock_timestamp() from locked l where s.subject_id = l.subject_id;
    end if;
    return null;
end $$;
create trigger tables_created after insert on stringx.tables referencing new table as changed
    for each statement execute function stringx.tables_changed();
create trigger tables_changed after update on stringx.tables referencing new table as changed
    for each statement execute function stringx.tables_changed();
create trigger tables_deleted after delete on stringx.tables referencing old table as changed
    for each statement execute function stringx.tables_deleted();
create trigger datasets_created after insert on stringx.datasets referencing new table as changed
    for each statement execute function stringx.datasets_changed();
create trigger datasets_changed after update on stringx.datasets referencing new table as changed
    for each statement execute function stringx.datasets_changed();
create trigger datasets_deleted after delete on stringx.datasets referencing old table as changed
    for each statement execute function stringx.datasets_deleted();
create trigger target_changed after update on stringx.targets for each row execute function stringx.target_changed();

-- What is configured already; the states are filled in by a loop.
select stringx.refresh_subjects('table', (select jsonb_agg(jsonb_build_object('target', target, 'name', table_name, 'owner', document ->> 'owner')) from stringx.tables));
select stringx.refresh_subjects('dataset', (select jsonb_agg(jsonb_build_object('target', target, 'name', name, 'owner', document ->> 'owner')) from stringx.datasets));

-- Results whose points are not written yet: those of earlier releases, also of one that still runs beside this one.
alter table stringx.results add column has_points boolean not null default false;
