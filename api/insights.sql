-- name: targets
-- What waits and runs of each target; the oldest by an index, whatever their number.
select t.target, t.waiting, t.running,
       coalesce((g.document ->> 'max_concurrent_checks')::integer, 4) as max_concurrent_checks,
       coalesce(extract(epoch from clock_timestamp() - (
           select min(c.queued_at) from dataops.checks c where c.target = t.target and c.status = 'queued')), 0)::float8 as oldest_age_s
from dataops.targets t left join stringx.configured_targets g on g.name = t.target
order by t.target

-- name: workers
select count(*) as workers, coalesce(sum(children), 0) as children, coalesce(sum(warm), 0) as warm
from dataops.workers where seen_at > clock_timestamp() - make_interval(secs => %(seen_s)s)

-- name: totals
select target, mode, status, verdict, checks, wait_s, run_s, waits, runs from dataops.totals order by target, mode, status, verdict

-- name: bounds
select dataops.bounds_s() as bounds

-- name: delivery_totals
select target, outcome, deliveries from dataops.delivery_totals order by target, outcome

-- name: lost_attempts
select target, attempts from dataops.lost_attempts order by target

-- name: deliveries
-- Each by its index, not by all messages that there are.
select count(*) as waiting, coalesce(extract(epoch from clock_timestamp() - min(created_at)), 0)::float8 as oldest_age_s,
       (select count(*) from dataops.outbox where given_up_at is not null and delivered_at is null) as given_up
from dataops.outbox where delivered_at is null and given_up_at is null
