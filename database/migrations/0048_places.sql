-- Workers are not notified of a place that nobody waits for: each check would cost one claim that finds nothing.

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
    still_wait integer;
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
        claimed_at = case when runs > ran then clock_timestamp() else t.claimed_at end
    returning waiting into still_wait;
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
    if (waits = 1 and stands) or (ran > runs and still_wait > 0) then  -- there is a check that may be claimed now, or a place for one
        perform pg_notify('dataops', 'queue');
    end if;
    return null;
end $$;
