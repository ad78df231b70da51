-- name: claim
-- The target: among those with a free place from which nobody else is claiming, one with an urgent check (sync, or waiting for a
-- minute) goes first, then the one with the fewest running checks, then the one that was served longest ago. Of this target the
-- check that is due first. Both rows are locked, and apart from the target's limit they hold everything that decides, so
-- concurrent changes are seen.
with place as (
    select t.target
    from dataops.targets t
    left join stringx.configured_targets g on g.name = t.target
    cross join lateral (
        select c.due_at from dataops.checks c
        where c.target = t.target and c.status = 'queued' and c.is_first and c.due_at <= clock_timestamp()
        order by c.due_at, c.check_id limit 1) head
    where t.waiting > 0 and t.running < coalesce((g.document ->> 'max_concurrent_checks')::integer, 4)
    order by head.due_at > clock_timestamp() - interval '1 minute', t.running, t.claimed_at, head.due_at
    limit 1
    for update of t skip locked
), next as (
    select c.check_id from place p cross join lateral (
        select check_id from dataops.checks
        where target = p.target and status = 'queued' and is_first and due_at <= clock_timestamp()
        order by due_at, check_id limit 1
        for update skip locked) c
)
update dataops.checks c set
    status = 'running', attempt = attempt + 1, worker = %(worker)s,
    lease_expires_at = clock_timestamp() + make_interval(secs => %(lease_s)s),
    started_at = clock_timestamp()
from next where c.check_id = next.check_id
returning c.*

-- name: claimable
-- Whether a claim that found nothing has only met others.
select 1 from dataops.targets t left join stringx.configured_targets g on g.name = t.target
where t.waiting > 0 and t.running < coalesce((g.document ->> 'max_concurrent_checks')::integer, 4)
  and exists (select 1 from dataops.checks c
              where c.target = t.target and c.status = 'queued' and c.is_first and c.due_at <= clock_timestamp())
limit 1

-- name: renew
update dataops.checks set lease_expires_at = clock_timestamp() + make_interval(secs => %(lease_s)s)
where check_id = any(%(claimed)s::uuid[]) and worker = %(worker)s and status = 'running'
returning check_id

-- name: checks_to_cancel
select check_id from dataops.checks where worker = %(worker)s and status = 'running' and cancel_requested

-- name: mark_reached
update dataops.checks set reached_at = clock_timestamp()
where check_id = %(check_id)s and status = 'running' and attempt = %(attempt)s and worker = %(worker)s

-- name: finish
-- Fenced: a worker whose claim was taken over meanwhile changes nothing, and sends none. With the result its outgoing message, and
-- a notification to all waiters; whether others share the run.
with said as (select %(body)s::text as body), ended as (
    update dataops.checks set
        status = %(status)s, verdict = %(verdict)s, result = said.body::json, finished_at = clock_timestamp(),
        worker = null, lease_expires_at = null, waivers = %(waivers)s
    from said
    where check_id = %(check_id)s and status = 'running' and attempt = %(attempt)s and worker = %(worker)s
    returning check_id
), message as (
    insert into dataops.outbox (message_id, check_id, url, origin, body)
    select %(message_id)s, ended.check_id, %(url)s, %(origin)s, said.body from ended, said
)
select pg_notify('dataops', ended.check_id::text), pg_notify('dataops', 'outbox'),
       exists (select 1 from dataops.checks j where j.joined = ended.check_id and j.status = 'queued') as shared
from ended

-- name: joined
select * from dataops.checks where joined = %(check_id)s and status = 'queued' order by due_at, check_id for update

-- name: finish_joined
update dataops.checks set
    status = %(status)s, verdict = %(verdict)s, result = %(result)s, finished_at = clock_timestamp(), waivers = %(waivers)s,
    started_at = (select l.started_at from dataops.checks l where l.check_id = %(leader)s)
where check_id = %(check_id)s and status = 'queued'

-- name: put_dataset_results
insert into dataops.dataset_results (check_id, target, table_name, verdict, finished_at)
select check_id, %(target)s, %(table)s, %(verdict)s, clock_timestamp() from unnest(%(checks)s::uuid[]) checks(check_id)

-- name: hand_back
-- Back to the queue: before all that came since its start, or behind those that come within the delay.
update dataops.checks set
    status = 'queued', worker = null, lease_expires_at = null,
    crashes = crashes + %(crashed)s::integer, yields = yields + %(yielded)s::integer,
    due_at = case when %(delay_s)s > 0 then clock_timestamp() + make_interval(secs => %(delay_s)s)
                  else least(due_at, started_at - interval '1 minute') end,
    tables = coalesce(%(tables)s::text[], tables),
    earlier_attempts = case when jsonb_array_length(earlier_attempts) >= 20 then earlier_attempts else earlier_attempts || jsonb_build_object(
        'attempt', attempt, 'started_at', started_at, 'ended_at', clock_timestamp(), 'why', %(why)s::text) end
where check_id = %(check_id)s and status = 'running' and attempt = %(attempt)s and worker = %(worker)s

-- name: expired
select check_id, target from dataops.checks
where status = 'running' and lease_expires_at < clock_timestamp()
  and pg_postmaster_start_time() < clock_timestamp() - make_interval(secs => %(lease_s)s)
order by lease_expires_at limit 100

-- name: rescue
update dataops.checks set
    status = 'queued', worker = null, lease_expires_at = null, crashes = crashes + 1,
    due_at = least(due_at, started_at - interval '1 minute'),
    earlier_attempts = case when jsonb_array_length(earlier_attempts) >= 20 then earlier_attempts else earlier_attempts || jsonb_build_object(
        'attempt', attempt, 'started_at', started_at, 'ended_at', clock_timestamp(), 'why', 'its worker was lost') end
where check_id = %(check_id)s and status = 'running' and lease_expires_at < clock_timestamp()
