-- name: accept
-- A request_id is accepted once; a second one finds the first by `find_by_request`.
insert into dataops.checks (check_id, request_id, body, body_hash, target, table_name, mode, timeout_s, is_full)
values (%(check_id)s, %(request_id)s, %(body)s, %(body_hash)s, %(target)s, %(table)s, %(mode)s, %(timeout_s)s, %(is_full)s)
on conflict (request_id) do nothing

-- name: count_queued
select count(*) as queued from (select 1 from dataops.checks where status = 'queued' limit %(limit)s) as waiting

-- name: find
select * from dataops.checks where check_id = %(check_id)s

-- name: find_by_request
select * from dataops.checks where request_id = %(request_id)s

-- name: lock_claims
-- Claims are taken one after another, so that the limits below hold between any number of workers.
select pg_advisory_xact_lock(7418205332)

-- name: claim
-- The oldest check, sync ones first, that is queued or whose lease has run out, of a table that no other check runs on
-- and a target with a free place.
update dataops.checks set
    status = 'running', attempt = attempt + 1, worker = %(worker)s,
    lease_expires_at = clock_timestamp() + make_interval(secs => %(lease_s)s),
    started_at = clock_timestamp()
where check_id = (
    select c.check_id
    from dataops.checks c
    where (c.status = 'queued' or (c.status = 'running' and c.lease_expires_at < clock_timestamp()))
      and not exists (
          select 1 from dataops.checks other
          where other.status = 'running' and other.target = c.target and other.table_name = c.table_name
            and other.check_id <> c.check_id)
      and (select count(*) from dataops.checks other
           where other.status = 'running' and other.target = c.target and other.check_id <> c.check_id)
          < coalesce((select (t.target_document ->> 'max_concurrent_checks')::integer
                      from stringx.configured_tables t where t.target = c.target limit 1), 4)
    order by c.mode desc, c.queued_at
    for update of c skip locked
    limit 1)
returning *

-- name: finish
-- Fenced: a worker whose claim was taken over meanwhile changes nothing.
update dataops.checks set
    status = %(status)s, verdict = %(verdict)s, result = %(result)s, finished_at = clock_timestamp(),
    worker = null, lease_expires_at = null
where check_id = %(check_id)s and status = 'running' and attempt = %(attempt)s and worker = %(worker)s
returning finished_at

-- name: hand_back
-- Back to the queue: uncounted by a worker that stops, counted where the run has killed its dbt process.
update dataops.checks set
    status = 'queued', attempt = attempt - case when %(counted)s then 0 else 1 end, worker = null, lease_expires_at = null
where check_id = %(check_id)s and status = 'running' and attempt = %(attempt)s and worker = %(worker)s

-- name: notify
select pg_notify('dataops', %(payload)s)

-- name: now
select clock_timestamp() as now
