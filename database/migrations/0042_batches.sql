-- Batches: small checks of one target that one worker runs as one `dbt test`, in one session on the target: docs/decisions/0042-batches.md.

-- Whose run the check is in: the id of the check that leads its batch, its own for that one; null if it runs alone.
alter table dataops.checks add column batch uuid;

-- What a target's limit counts: runs, of which each has one session. A batch is one run, however many checks are in it.
alter table dataops.targets add column sessions integer not null default 0;
update dataops.targets set sessions = running;

-- How long a check of a table is likely to take: it rises at once, and falls by half with each faster run.
create table dataops.durations (
    target      text not null,
    table_name  text not null,
    is_full     boolean not null,  -- of all rules on the whole table; the others are looked up apart
    expected_ms integer not null,
    seen_at     timestamptz not null default clock_timestamp(),
    primary key (target, table_name, is_full)
);
create index durations_unseen on dataops.durations (seen_at);
create function dataops.expected_ms(of_target text, of_table text, full_one boolean) returns integer language sql stable as $$
    select expected_ms from dataops.durations
    where target = of_target and table_name = of_table and is_full >= full_one order by is_full limit 1
$$;

-- Notes what a run took; null and datasets change nothing. Small differences are not worth a write, nor a lock.
create function dataops.expect(of_target text, of_table text, full_one boolean, took_ms integer) returns void language sql as $$
    insert into dataops.durations as d (target, table_name, is_full, expected_ms)
    select of_target, of_table, full_one, took_ms
    where took_ms is not null and of_table is not null and not exists (
        select from dataops.durations k
        where k.target = of_target and k.table_name = of_table and k.is_full = full_one
          and took_ms between 0.7 * k.expected_ms and 1.3 * k.expected_ms and k.seen_at > clock_timestamp() - interval '1 day')
    on conflict (target, table_name, is_full) do update set
        expected_ms = case when excluded.expected_ms > d.expected_ms then excluded.expected_ms else (d.expected_ms + excluded.expected_ms) / 2 end,
        seen_at = excluded.seen_at
$$;

-- As before, and the sessions: those of checks that run alone, or that lead a batch. When the leader of a batch ends before the others, the
-- next one leads it.
create or replace function dataops.after_check() returns trigger language plpgsql as $$
declare
    waited  constant integer := (tg_op <> 'INSERT' and old.status = 'queued')::integer;
    ran     constant integer := (tg_op <> 'INSERT' and old.status = 'running')::integer;
    waits   constant integer := (tg_op <> 'DELETE' and new.status = 'queued')::integer;
    runs    constant integer := (tg_op <> 'DELETE' and new.status = 'running')::integer;
    stands  constant boolean := tg_op <> 'DELETE' and waits + runs > 0 and new.joined is null;
    had     integer := case when ran = 1 and (old.batch is null or old.batch = old.check_id) then 1 else 0 end;
    has     constant integer := case when runs = 1 and (new.batch is null or new.batch = new.check_id) then 1 else 0 end;
    tables  text[] := '{}';
    touched uuid[];
begin
    if had > has and old.batch is not null then
        update dataops.checks c set batch = next.check_id
        from (select b.check_id from dataops.checks b where b.batch = old.check_id and b.status = 'running' limit 1) next
        where c.batch = old.check_id and c.status = 'running';
        if found then
            had := 0;
        end if;
    end if;
    insert into dataops.targets as t (target, waiting, running, sessions, claimed_at)
    values (coalesce(new.target, old.target), waits, runs, has, case when runs > ran then clock_timestamp() else '-infinity' end)
    on conflict (target) do update set
        waiting = t.waiting + waits - waited, running = t.running + runs - ran, sessions = t.sessions + has - had,
        claimed_at = case when runs > ran then clock_timestamp() else t.claimed_at end;
    if tg_op <> 'INSERT' then
        delete from dataops.lines l where l.check_id = old.check_id;
        tables := old.tables;
    end if;
    if stands then
        insert into dataops.lines (target, table_name, place, check_id)
        select new.target, n.name, case when runs = 1 then '-infinity' else new.due_at end, new.check_id
        from unnest(new.tables) n(name) on conflict do nothing;
        tables := tables || new.tables;
    end if;
    -- who may have become the first, or have been it: the check itself, and the first two of each of its lines
    select array_agg(distinct l.check_id) into touched
    from (select distinct name from unnest(tables) n(name)) t cross join lateral (
        select check_id from dataops.lines
        where target = coalesce(new.target, old.target) and table_name = t.name order by place, check_id limit 2) l;
    perform dataops.settle_lines(touched || case when stands then array[new.check_id] end);
    if (waits = 1 and stands) or ran > runs then  -- there is a check that may be claimed now, or a place
        perform pg_notify('dataops', 'queue');
    end if;
    return null;
end $$;

-- A worker of the release before leaves `batch` as it is where it hands back or rescues, and would then run a session that nobody counts.
create function dataops.leave_batch() returns trigger language plpgsql as $$
begin
    new.batch := null;
    return new;
end $$;
create trigger leave_batch before update of status on dataops.checks for each row
    when (new.status = 'queued' and new.batch is not null) execute function dataops.leave_batch();
