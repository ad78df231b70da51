-- name: claim
-- The target: among those with a free place from which nobody else is claiming, one with an urgent check (sync, or waiting for a
-- minute) goes first, then the one with the fewest sessions, then the one that was served longest ago. Of this target the
-- check that is due first, and how many others wait there, or whether any wait elsewhere. Both rows are locked, and apart from the target's limit they hold everything
-- that decides, so concurrent changes are seen.
with place as (
    select t.target, t.waiting
    from dataops.targets t
    left join stringx.configured_targets g on g.name = t.target
    cross join lateral (
        select c.due_at from dataops.checks c
        where c.target = t.target and c.status = 'queued' and c.is_first and c.due_at <= clock_timestamp()
        order by c.due_at, c.check_id limit 1) head
    where t.waiting > 0 and t.sessions < coalesce((g.document ->> 'max_concurrent_checks')::integer, 4)
    order by head.due_at > clock_timestamp() - interval '1 minute', t.sessions, t.claimed_at, head.due_at
    limit 1
    for update of t skip locked
), next as (
    select c.check_id, p.waiting - 1 as behind,
           exists (select from dataops.targets o where o.waiting > 0 and o.target <> p.target) as elsewhere
    from place p cross join lateral (
        select check_id from dataops.checks
        where target = p.target and status = 'queued' and is_first and due_at <= clock_timestamp()
        order by due_at, check_id limit 1
        for update skip locked) c
)
update dataops.checks c set
    status = 'running', attempt = attempt + 1, worker = %(worker)s,
    lease_expires_at = clock_timestamp() + make_interval(secs => %(lease_s)s),
    started_at = clock_timestamp(), batch = null
from next where c.check_id = next.check_id
returning c.*, next.behind, next.elsewhere

-- name: claimable
-- Whether a claim that found nothing has only met others.
select 1 from dataops.targets t left join stringx.configured_targets g on g.name = t.target
where t.waiting > 0 and t.sessions < coalesce((g.document ->> 'max_concurrent_checks')::integer, 4)
  and exists (select 1 from dataops.checks c
              where c.target = t.target and c.status = 'queued' and c.is_first and c.due_at <= clock_timestamp())
limit 1

-- name: claim_more
-- Checks to run with the one that was claimed (`lead`): of its target, first in their lines, in their order, each expected to be short, and
-- together not longer than the limit. They have no session of their own, so the target's limit does not count them.
with place as (
    select t.target from dataops.targets t
    where t.target = %(target)s and exists (
        select from dataops.checks l left join lateral dataops.expected_ms(l.target, l.table_name, l.is_full) e(ms) on true
        where l.check_id = %(lead)s and l.status = 'running' and l.attempt = %(attempt)s and l.worker = %(worker)s
          and coalesce(e.ms, %(unknown_ms)s) <= %(small_ms)s)
    for update of t
), waiting as (
    select c.check_id, c.mode, c.due_at, coalesce(e.ms, %(unknown_ms)s) as expected_ms
    from place p cross join lateral (
        select check_id, target, table_name, is_full, mode, due_at, attempt, timeout_s, cancel_requested,
               dataset is null and trial is null and profile is null as is_plain
        from dataops.checks
        where target = p.target and status = 'queued' and is_first and due_at <= clock_timestamp()
        order by due_at, check_id limit 4 * %(more)s
        for update skip locked) c
    left join lateral dataops.expected_ms(c.target, c.table_name, c.is_full) e(ms) on true
    where c.is_plain and c.attempt = 0 and c.timeout_s >= %(least_timeout_s)s and not c.cancel_requested
), chosen as (
    select check_id from (
        select check_id, row_number() over line as number, sum(expected_ms) over line as together_ms, bool_or(mode = 'sync') over line as has_sync
        from waiting where expected_ms <= %(small_ms)s
        window line as (order by due_at, check_id)) w
    where number <= %(more)s and together_ms <= case when %(is_sync)s or has_sync then %(together_sync_ms)s else %(together_ms)s end
), lead as (
    update dataops.checks set batch = check_id where check_id = %(lead)s and exists (select from chosen)
)
update dataops.checks c set
    status = 'running', attempt = attempt + 1, worker = %(worker)s,
    lease_expires_at = clock_timestamp() + make_interval(secs => %(lease_s)s),
    started_at = clock_timestamp(), batch = %(lead)s
from chosen where c.check_id = chosen.check_id
returning c.*

-- name: renew
-- Without waiting for a row that is just being finished: its worker waits for none while it holds others.
with held as (
    select check_id from dataops.checks where check_id = any(%(claimed)s::uuid[]) and worker = %(worker)s and status = 'running'
), free as (
    select check_id from dataops.checks where check_id in (select check_id from held) for update skip locked
), renewed as (
    update dataops.checks set lease_expires_at = clock_timestamp() + make_interval(secs => %(lease_s)s)
    where check_id in (select check_id from free) and worker = %(worker)s and status = 'running'
)
select check_id from held

-- name: checks_to_cancel
select check_id from dataops.checks where worker = %(worker)s and status = 'running' and cancel_requested

-- name: mark_reached
update dataops.checks set reached_at = clock_timestamp()
where check_id = %(check_id)s and status = 'running' and attempt = %(attempt)s and worker = %(worker)s

-- name: finish
-- Fenced: a worker whose claim was taken over meanwhile changes nothing, and sends none. With the result its outgoing message, leased to the
-- worker itself if it will hand it over (`handed_s`), and a notification to all waiters; whether others share the run.
with said as (select %(body)s::text as body), ended as (
    update dataops.checks set
        status = %(status)s, verdict = %(verdict)s, result = said.body::json, finished_at = clock_timestamp(),
        worker = null, lease_expires_at = null, waivers = %(waivers)s
    from said
    where check_id = %(check_id)s and status = 'running' and attempt = %(attempt)s and worker = %(worker)s
    returning check_id, target, table_name, is_full
), message as (
    insert into dataops.outbox (message_id, check_id, url, origin, body, attempts, worker, lease_expires_at)
    select %(message_id)s, ended.check_id, %(url)s, %(origin)s, said.body, (h.seconds is not null)::integer,
           case when h.seconds is not null then %(worker)s end, clock_timestamp() + make_interval(secs => h.seconds)
    from ended, said, (select %(handed_s)s::integer) as h (seconds)
)
select pg_notify('dataops', ended.check_id::text), j.shared, clock_timestamp() as now,
       case when %(handed_s)s::integer is null or j.shared then pg_notify('dataops', 'outbox') end,
       dataops.expect(ended.target, ended.table_name, ended.is_full, %(took_ms)s)
from ended cross join lateral (
    select exists (select 1 from dataops.checks q where q.joined = ended.check_id and q.status = 'queued')) as j (shared)

-- name: finish_several
-- The same for several checks of a worker, each fenced by its own attempt. Messages go to one receiver.
with said as (
    select * from unnest(%(check_ids)s::uuid[], %(attempts)s::integer[], %(statuses)s::text[], %(verdicts)s::text[], %(bodies)s::text[],
                         %(waivers)s::text[], %(message_ids)s::uuid[], %(urls)s::text[], %(took_ms)s::integer[])
        as s (check_id, attempt, status, verdict, body, waivers, message_id, url, took_ms)
), ended as (
    update dataops.checks c set
        status = s.status, verdict = s.verdict, result = s.body::json, finished_at = clock_timestamp(),
        worker = null, lease_expires_at = null, waivers = s.waivers::jsonb
    from said s
    where c.check_id = s.check_id and c.status = 'running' and c.attempt = s.attempt and c.worker = %(worker)s
    returning c.check_id, c.target, c.table_name, c.is_full
), message as (
    insert into dataops.outbox (message_id, check_id, url, origin, body, attempts, worker, lease_expires_at)
    select s.message_id, s.check_id, s.url, %(origin)s, s.body, (h.seconds is not null)::integer,
           case when h.seconds is not null then %(worker)s end, clock_timestamp() + make_interval(secs => h.seconds)
    from ended join said s using (check_id) cross join (select %(handed_s)s::integer) as h (seconds)
)
select ended.check_id, pg_notify('dataops', ended.check_id::text), j.shared, clock_timestamp() as now,
       case when %(handed_s)s::integer is null or j.shared then pg_notify('dataops', 'outbox') end,
       dataops.expect(ended.target, ended.table_name, ended.is_full, said.took_ms)
from ended join said using (check_id) cross join lateral (
    select exists (select 1 from dataops.checks q where q.joined = ended.check_id and q.status = 'queued')) as j (shared)

-- name: joined
select * from dataops.checks where joined = %(check_id)s and status = 'queued' order by due_at, check_id for update

-- name: finish_joined
update dataops.checks set
    status = %(status)s, verdict = %(verdict)s, result = %(result)s, finished_at = clock_timestamp(), waivers = %(waivers)s,
    started_at = (select l.started_at from dataops.checks l where l.check_id = %(leader)s)
where check_id = %(check_id)s and status = 'queued'

-- name: put_dataset_results
insert into dataops.dataset_results (check_id, target, table_name, verdict, finished_at)
select s.check_id, %(target)s, s.table_name, s.verdict, clock_timestamp()
from unnest(%(checks)s::uuid[], %(tables)s::text[], %(verdicts)s::text[]) s (check_id, table_name, verdict)

-- name: hand_back
-- Back to the queue: before all that came since its start, or behind those that come within the delay.
update dataops.checks set
    status = 'queued', worker = null, lease_expires_at = null, batch = null,
    crashes = crashes + %(crashed)s::integer, yields = yields + %(yielded)s::integer,
    due_at = case when %(delay_s)s > 0 then clock_timestamp() + make_interval(secs => %(delay_s)s)
                  else least(due_at, started_at - interval '1 minute') end,
    tables = coalesce(%(tables)s::text[], tables),
    earlier_attempts = case when jsonb_array_length(earlier_attempts) >= 20 then earlier_attempts else earlier_attempts || jsonb_build_object(
        'attempt', attempt, 'started_at', started_at, 'ended_at', clock_timestamp(), 'why', %(why)s::text) end
where check_id = %(check_id)s and status = 'running' and attempt = %(attempt)s and worker = %(worker)s
returning dataops.expect(target, table_name, is_full, %(took_ms)s)

-- name: expired
select check_id, target from dataops.checks
where status = 'running' and lease_expires_at < clock_timestamp()
  and pg_postmaster_start_time() < clock_timestamp() - make_interval(secs => %(lease_s)s)
order by lease_expires_at limit 100

-- name: rescue
-- One of a batch runs alone next, and only then counts as having ended its worker.
update dataops.checks set
    status = 'queued', worker = null, lease_expires_at = null, batch = null, crashes = crashes + (batch is null)::integer,
    due_at = least(due_at, started_at - interval '1 minute'),
    earlier_attempts = case when jsonb_array_length(earlier_attempts) >= 20 then earlier_attempts else earlier_attempts || jsonb_build_object(
        'attempt', attempt, 'started_at', started_at, 'ended_at', clock_timestamp(), 'why', 'its worker was lost') end
where check_id = %(check_id)s and status = 'running' and lease_expires_at < clock_timestamp()
