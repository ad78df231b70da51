-- name: accept
insert into stringx.requests (request_id, source, target, table_name, dataset, mode, body, body_hash, is_full, status, worker,
                              lease_expires_at, requested_by, is_from_dashboard, traceparent, tracestate)
values (%(request_id)s, %(source)s, %(target)s, %(table)s, %(dataset)s, %(mode)s, %(body)s, %(body_hash)s, %(is_full)s, 'queued',
        %(worker)s, clock_timestamp() + make_interval(secs => %(lease_s)s), %(requested_by)s, %(is_from_dashboard)s, %(traceparent)s,
        %(tracestate)s)
on conflict (request_id) do nothing
returning *, null as result

-- name: track
-- A check asked of DataOps directly: tracked when its result arrives.
insert into stringx.requests (request_id, source, target, table_name, dataset, mode, body, body_hash, is_full, status, sent_at,
                              created_at, requested_by, asked_at_dataops)
values (%(request_id)s, 'http', %(target)s, %(table)s, %(dataset)s, 'async', %(body)s, %(body_hash)s, %(is_full)s, 'queued', now(),
        %(created_at)s, %(requested_by)s, true)
on conflict (request_id) do nothing

-- name: claim_unsent
-- Requests whose first delivery to DataOps did not go through. The moment is read once, so that the index ends where none is due.
update stringx.requests set worker = %(worker)s, lease_expires_at = clock_timestamp() + make_interval(secs => %(lease_s)s)
where request_id = (
    select request_id from stringx.requests
    where sent_at is null and finished_at is null and next_send_at <= (select clock_timestamp())
      and (lease_expires_at is null or lease_expires_at < clock_timestamp())
    order by next_send_at
    for update skip locked
    limit 1)
returning request_id, body, send_attempts, requested_by, traceparent, tracestate

-- name: claim_unsent_several
-- The same with others that are due, if DataOps takes several in one post: `most` in number, together at most `bytes` long, none of a trial.
-- Every second attempt of a request is made alone, so that it does not depend on others.
with due as materialized (
    select request_id, octet_length(body::text) as bytes, not trial and mod(send_attempts, 2) = 0 as is_sociable, next_send_at
    from stringx.requests
    where sent_at is null and finished_at is null and next_send_at <= (select clock_timestamp())
      and (lease_expires_at is null or lease_expires_at < clock_timestamp())
    order by next_send_at
    for update skip locked
    limit %(most)s
), first as (
    select * from due order by next_send_at, request_id limit 1
), chosen as (
    select request_id from first
    union
    select o.request_id from (
        select d.request_id, sum(d.bytes) over (order by d.request_id <> f.request_id, d.next_send_at, d.request_id) as bytes
        from due d cross join first f where d.is_sociable and f.is_sociable) o
    where o.bytes <= %(bytes)s
)
update stringx.requests set worker = %(worker)s, lease_expires_at = clock_timestamp() + make_interval(secs => %(lease_s)s)
where request_id in (select request_id from chosen)
returning request_id, body, send_attempts, requested_by, traceparent, tracestate

-- name: sent_several
-- Locked in the order of all others.
with locked as (
    select q.request_id, n.check_id
    from jsonb_to_recordset(%(sent)s) as n (request_id text, check_id uuid) join stringx.requests q on q.request_id = n.request_id
    order by q.request_id for update of q)
update stringx.requests r set
    sent_at = clock_timestamp(), check_id = l.check_id, worker = null, lease_expires_at = null, next_send_at = clock_timestamp()
from locked l where r.request_id = l.request_id

-- name: release_unsent
-- They were not tried: DataOps did not take the batch that they were in.
update stringx.requests set worker = null, lease_expires_at = null, next_send_at = clock_timestamp()
where request_id in (
    select request_id from stringx.requests where request_id = any(%(ids)s) and worker = %(worker)s order by request_id for update)

-- name: claim_cancel
-- Cancels that DataOps has not taken yet, of requests that it has.
update stringx.requests set worker = %(worker)s, lease_expires_at = clock_timestamp() + make_interval(secs => %(lease_s)s)
where request_id = (
    select request_id from stringx.requests
    where cancel_requested and cancel_sent_at is null and finished_at is null and sent_at is not null
      and next_send_at <= (select clock_timestamp()) and (lease_expires_at is null or lease_expires_at < clock_timestamp())
    order by next_send_at
    for update skip locked
    limit 1)
returning request_id, check_id, send_attempts, canceled_by

-- name: request_cancel
-- Due at once, unless another process is just sending it; a cancel comes after it.
update stringx.requests set
    cancel_requested = true, next_send_at = clock_timestamp(), canceled_by = coalesce(canceled_by, %(by)s),
    canceled_at = coalesce(canceled_at, clock_timestamp())
where request_id = %(request_id)s and finished_at is null

-- name: cancel_sent
update stringx.requests set cancel_sent_at = clock_timestamp(), worker = null, lease_expires_at = null
where request_id = %(request_id)s and worker = %(worker)s

-- name: forget
-- DataOps refused it before anybody was told that it was accepted: the id is free again, or belongs to another check.
delete from stringx.requests where request_id = %(request_id)s and sent_at is null and worker = %(worker)s and send_attempts = 0

-- name: sent
update stringx.requests set
    sent_at = clock_timestamp(), check_id = %(check_id)s, worker = null, lease_expires_at = null, next_send_at = clock_timestamp()
where request_id = %(request_id)s

-- name: postpone
-- From now on it is promised: no refusal of another try forgets it. The first try may be of several clients at once.
update stringx.requests set
    send_attempts = send_attempts + 1, send_error = left(%(error)s, 1000), worker = null, lease_expires_at = null,
    next_send_at = clock_timestamp() + make_interval(secs => %(delay_s)s)
where request_id = %(request_id)s and (worker = %(worker)s or (send_attempts = 0 and sent_at is null))

-- name: refuse
update stringx.requests set
    status = 'errored', verdict = 'error', reason = %(reason)s, finished_at = clock_timestamp(),
    sent_at = clock_timestamp(), worker = null, lease_expires_at = null
where request_id = %(request_id)s and finished_at is null

-- name: finish
update stringx.requests set
    status = %(status)s, verdict = %(verdict)s, reason = %(reason)s, check_id = %(check_id)s,
    finished_at = coalesce(%(finished_at)s, clock_timestamp()), sent_at = coalesce(sent_at, clock_timestamp()),
    worker = null, lease_expires_at = null
where request_id = %(request_id)s and finished_at is null

-- name: store_result
-- Once by check id, whatever order posts arrive in.
insert into stringx.results (check_id, request_id, target, table_name, dataset, is_full, is_window, status, verdict, rules_hash,
                             snapshot_at, finished_at, result, summary, messages, has_points, rule_ids, waivers)
values (%(check_id)s, %(request_id)s, %(target)s, %(table)s, %(dataset)s, %(is_full)s, %(is_window)s, %(status)s, %(verdict)s,
        %(rules_hash)s, %(snapshot_at)s, coalesce(%(finished_at)s, clock_timestamp()), %(result)s, %(summary)s, %(messages)s, true,
        %(rule_ids)s, %(waivers)s)
on conflict (check_id) do nothing

-- name: asked_about
-- What a request asks to be checked; it never changes. A trial's body, which may be long, is left out. `is_new`: the result was stored by this
-- transaction.
select coalesce((select r.xmin = pg_current_xact_id()::xid from stringx.results r where r.check_id = %(check_id)s), false) as is_new, target, table_name as table, dataset, case when not trial then body end as body, trial and body ? 'profile' as is_profile, asked_at_dataops
from stringx.requests where request_id = %(request_id)s

-- name: store_dataset_result
-- One row per table of the dataset, for the gates of these tables.
insert into stringx.dataset_results (check_id, target, table_name, is_full, is_window, status, verdict, rules_hash, snapshot_at,
                                     finished_at)
values (%(check_id)s, %(target)s, %(table)s, %(is_full)s, %(is_window)s, %(status)s, %(verdict)s, %(rules_hash)s,
        %(snapshot_at)s, coalesce(%(finished_at)s, clock_timestamp()))

-- name: notify
select pg_notify('stringx', %(payload)s)

-- name: take_results
-- Several at once: `track`, `finish`, `notify`, `store_result`, `asked_about`, `store_dataset_result` in one.
select request_id, is_new, target, table_name as table, dataset, body, is_profile
from stringx.take_results(%(columns)s, %(bodies)s::json[], %(summaries)s::json[], %(messages)s::json[])
