-- Totals that outlive what they count, for /metrics; and a row a service writes to find out whether it can.

-- Checks that have ended. Histograms: how many fell below each bound of `dataops.bounds_s`, the last element above all of them.
create function dataops.bounds_s() returns double precision[] language sql immutable as $$
    select array[0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]::double precision[]
$$;
create table dataops.totals (
    target   text not null,
    mode     text not null,
    status   text not null,
    verdict  text not null,
    checks   bigint not null default 0,
    wait_s   double precision not null default 0,
    run_s    double precision not null default 0,
    waits    bigint[] not null default array_fill(0::bigint, array[12]),
    runs     bigint[] not null default array_fill(0::bigint, array[12]),
    primary key (target, mode, status, verdict)
);

-- The target's row is locked already by whoever ends a check.
create function dataops.count_check() returns trigger language plpgsql as $$
declare
    waited constant double precision := extract(epoch from coalesce(new.started_at, new.finished_at) - new.queued_at);
    ran    constant double precision := extract(epoch from new.finished_at - new.started_at);
    w      constant integer := width_bucket(waited, dataops.bounds_s()) + 1;
    r      constant integer := width_bucket(ran, dataops.bounds_s()) + 1;
begin
    insert into dataops.totals (target, mode, status, verdict) values (new.target, new.mode, new.status, coalesce(new.verdict, 'error'))
    on conflict do nothing;
    update dataops.totals t set
        checks = checks + 1, wait_s = wait_s + waited, run_s = run_s + coalesce(ran, 0), waits[w] = waits[w] + 1
    where t.target = new.target and t.mode = new.mode and t.status = new.status and t.verdict = coalesce(new.verdict, 'error');
    update dataops.totals t set runs[r] = runs[r] + 1
    where r is not null
      and t.target = new.target and t.mode = new.mode and t.status = new.status and t.verdict = coalesce(new.verdict, 'error');
    return null;
end $$;
create trigger count_check after update of status on dataops.checks for each row
    when (old.status in ('queued', 'running') and new.status not in ('queued', 'running')) execute function dataops.count_check();

create index checks_waiting on dataops.checks (target, queued_at) where status = 'queued';

-- Deliveries that have ended: acknowledged, or given up.
create table dataops.delivery_totals (
    target      text not null,
    outcome     text not null check (outcome in ('delivered', 'given_up')),
    deliveries  bigint not null default 0,
    primary key (target, outcome)
);
create function dataops.count_delivery() returns trigger language plpgsql as $$
begin
    insert into dataops.delivery_totals as t (target, outcome, deliveries)
    select c.target, case when new.delivered_at is null then 'given_up' else 'delivered' end, 1
    from dataops.checks c where c.check_id = new.check_id
    on conflict (target, outcome) do update set deliveries = t.deliveries + 1;
    return null;
end $$;
create trigger count_delivery after update of delivered_at, given_up_at on dataops.outbox for each row
    when ((old.delivered_at is null and new.delivered_at is not null) or (old.given_up_at is null and new.given_up_at is not null))
    execute function dataops.count_delivery();

-- Requests that have ended.
create table stringx.totals (
    source    text not null,
    target    text not null,
    status    text not null,
    verdict   text not null,
    requests  bigint not null default 0,
    primary key (source, target, status, verdict)
);
create function stringx.count_request() returns trigger language plpgsql as $$
begin
    insert into stringx.totals as t (source, target, status, verdict, requests)
    values (new.source, new.target, new.status, coalesce(new.verdict, 'error'), 1)
    on conflict (source, target, status, verdict) do update set requests = t.requests + 1;
    return null;
end $$;
create trigger count_request after update of finished_at on stringx.requests for each row
    when (old.finished_at is null and new.finished_at is not null) execute function stringx.count_request();

create index requests_unfinished_by_time on stringx.requests (created_at) where finished_at is null;

create table public.stringx_probe (
    service     text primary key,
    written_at  timestamptz not null
);
