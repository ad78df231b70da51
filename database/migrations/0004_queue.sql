-- The queue, so that a claim costs the same with ten checks waiting or a hundred thousand: what admission asks (is it the
-- first in line for its tables, is there a place on its target) stands in the rows that a claim locks, kept there by triggers,
-- whoever writes a check. Everything that was there before stays as it is.

alter table dataops.checks
    add column due_at timestamptz,                     -- its place in line, and not run before: a sync check's is a minute earlier
    add column is_first boolean not null default false,-- of a queued one: nobody runs on its tables, nobody is before it
    add column joined uuid references dataops.checks (check_id) on delete set null,  -- whose run it shares
    add column crashes integer not null default 0,     -- runs that ended their worker, or their dbt process
    add column yields integer not null default 0;      -- runs that gave way to a session that they kept waiting

-- One row a target: its lock, which a transaction that changes the queue takes before any check's, and what is in use.
create table dataops.targets (
    target      text primary key,
    waiting     integer not null default 0,
    running     integer not null default 0,
    claimed_at  timestamptz not null default '-infinity'
);

-- For each table the checks that want it, in their order; the running one stands at -infinity.
create table dataops.lines (
    target      text not null,
    table_name  text not null,
    place       timestamptz not null,
    check_id    uuid not null references dataops.checks (check_id) on delete cascade,
    primary key (target, table_name, place, check_id)
);
create index lines_by_check on dataops.lines (check_id);

create function dataops.head_of_line(target text, table_name text) returns uuid language sql stable as $$
    select l.check_id from dataops.lines l where l.target = $1 and l.table_name = $2 order by l.place, l.check_id limit 1
$$;

-- Whether these checks are first in each of their lines.
create function dataops.settle_lines(checks uuid[]) returns void language sql as $$
    update dataops.checks c set is_first = s.is_first
    from (select t.check_id, not exists (select 1 from dataops.lines l where l.check_id = t.check_id
                                         and dataops.head_of_line(l.target, l.table_name) <> l.check_id) as is_first
          from unnest(checks) t(check_id)) s
    where c.check_id = s.check_id and c.is_first <> s.is_first
$$;

-- A new check takes its target's lock, and its place. What asks the same as a waiting check joins it: the same table or dataset,
-- scope, mode and budget, up to a hundred. One that has ended a worker gets no company.
create function dataops.before_check() returns trigger language plpgsql as $$
begin
    insert into dataops.targets (target) values (new.target) on conflict (target) do nothing;
    perform from dataops.targets t where t.target = new.target for update;
    if new.status = 'queued' then
        new.joined := (
            select l.check_id from dataops.checks l
            where l.body_hash = new.body_hash and l.status = 'queued' and l.joined is null and l.crashes = 0
              and l.mode = new.mode and l.timeout_s = new.timeout_s
              and (select count(*) from dataops.checks j where j.joined = l.check_id) < 100
            order by l.due_at limit 1);
    end if;
    new.due_at := coalesce(new.due_at, new.queued_at - case new.mode when 'sync' then interval '1 minute' else '0' end);
    new.tables := coalesce(new.tables, case when new.dataset is null then array[new.table_name]
        else (select d.tables from stringx.configured_datasets d where d.name = new.dataset and d.target = new.target) end, '{}');
    return new;
end $$;

create function dataops.after_check() returns trigger language plpgsql as $$
declare
    waited  constant integer := (tg_op <> 'INSERT' and old.status = 'queued')::integer;
    ran     constant integer := (tg_op <> 'INSERT' and old.status = 'running')::integer;
    waits   constant integer := (tg_op <> 'DELETE' and new.status = 'queued')::integer;
    runs    constant integer := (tg_op <> 'DELETE' and new.status = 'running')::integer;
    stands  constant boolean := tg_op <> 'DELETE' and waits + runs > 0 and new.joined is null;
    tables  text[] := '{}';
    touched uuid[];
begin
    insert into dataops.targets as t (target, waiting, running, claimed_at)
    values (coalesce(new.target, old.target), waits, runs, case when runs > ran then clock_timestamp() else '-infinity' end)
    on conflict (target) do update set
        waiting = t.waiting + waits - waited, running = t.running + runs - ran,
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

-- What waits or runs already takes its place.
insert into dataops.targets (target, waiting, running)
select target, count(*) filter (where status = 'queued'), count(*) filter (where status = 'running') from dataops.checks group by target;
create trigger before_check before insert on dataops.checks for each row execute function dataops.before_check();
create trigger after_insert after insert on dataops.checks for each row
    when (new.status in ('queued', 'running')) execute function dataops.after_check();
create trigger after_update after update of status, tables, due_at, joined on dataops.checks for each row
    when (old.status in ('queued', 'running') or new.status in ('queued', 'running')) execute function dataops.after_check();
create trigger after_delete after delete on dataops.checks for each row
    when (old.status in ('queued', 'running')) execute function dataops.after_check();
update dataops.checks c set
    due_at = queued_at - case mode when 'sync' then interval '1 minute' else '0' end,
    tables = coalesce(tables, case when dataset is null then array[table_name]
                      else (select d.tables from stringx.configured_datasets d where d.name = c.dataset and d.target = c.target) end, '{}')
where status in ('queued', 'running');

-- What a claim reads: the first in line of each target, in their order; and leases that have run out.
create index checks_first on dataops.checks (target, due_at, check_id) where status = 'queued' and is_first;
create index checks_leased on dataops.checks (lease_expires_at) where status = 'running';
create index checks_to_join on dataops.checks (body_hash) where status = 'queued' and joined is null;
create index checks_joined on dataops.checks (joined) where joined is not null;

-- What DataOps may read of a target; its columns are a contract between the two services.
create view stringx.configured_targets as select name, document, version, updated_at from stringx.targets;

-- Deliveries: where to, so that what waits for a receiver is due when that one answers again.
alter table dataops.outbox add column origin text, add column resent_at timestamptz;
create index outbox_by_origin on dataops.outbox (origin) where delivered_at is null and given_up_at is null;
create index outbox_given_up on dataops.outbox (given_up_at) where given_up_at is not null;
create index outbox_delivered on dataops.outbox (delivered_at) where delivered_at is not null;

-- A cancel is kept until DataOps has taken it.
alter table stringx.requests add column cancel_requested boolean not null default false, add column cancel_sent_at timestamptz;
create index requests_to_cancel on stringx.requests (next_send_at)
    where cancel_requested and cancel_sent_at is null and finished_at is null;
