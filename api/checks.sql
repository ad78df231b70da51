-- name: accept
-- A request_id is accepted once; a second one finds the first by `find_by_request`.
insert into dataops.checks (check_id, request_id, body, body_hash, target, table_name, dataset, mode, timeout_s, is_full)
values (%(check_id)s, %(request_id)s, %(body)s, %(body_hash)s, %(target)s, %(table)s, %(dataset)s, %(mode)s, %(timeout_s)s,
        %(is_full)s)
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
-- The oldest check, sync ones first, that is queued or whose lease has run out, on a target with a free place, and that is
-- the first in the line for each of its tables: no other check runs on one of them, and none waits longer for one of
-- them, so that a dataset is not overtaken for ever; what has begun holds its tables, whoever comes later. A
-- dataset's tables are those of its document when it is claimed from the queue.
with waiting as (
    select c.check_id, c.target, c.status = 'running' as begun, c.mode, c.queued_at,
           case when c.dataset is null then array[c.table_name]
                when c.status = 'running' then coalesce(c.tables, '{}')
                else coalesce(d.tables, '{}') end as tables
    from dataops.checks c
    left join stringx.configured_datasets d on d.name = c.dataset and d.target = c.target
    where c.status = 'queued' or (c.status = 'running' and c.lease_expires_at < clock_timestamp())
), line as (
    select w.check_id, row_number() over (
               partition by w.target, t.name order by w.begun desc, w.mode desc, w.queued_at, w.check_id) as place
    from waiting w cross join lateral unnest(w.tables) as t(name)
), first as materialized (
    select w.check_id, w.target, w.tables from waiting w
    where not exists (select 1 from line where line.check_id = w.check_id and line.place > 1)
)
update dataops.checks set
    status = 'running', attempt = attempt + 1, worker = %(worker)s,
    lease_expires_at = clock_timestamp() + make_interval(secs => %(lease_s)s),
    started_at = clock_timestamp(), tables = next.tables
from (
    select c.check_id, f.tables
    from first f join dataops.checks c on c.check_id = f.check_id
    where (c.status = 'queued' or (c.status = 'running' and c.lease_expires_at < clock_timestamp()))  -- also once it is locked
      and not exists (
          select 1 from dataops.checks other
          where other.status = 'running' and other.target = f.target and other.check_id <> f.check_id
            and coalesce(other.tables, array[other.table_name]) && f.tables)
      and (select count(*) from dataops.checks other
           where other.status = 'running' and other.target = f.target and other.check_id <> f.check_id)
          < coalesce((select (t.target_document ->> 'max_concurrent_checks')::integer
                      from stringx.configured_tables t where t.target = f.target limit 1), 4)
    order by c.mode desc, c.queued_at
    for update of c skip locked
    limit 1) next
where checks.check_id = next.check_id
returning checks.*

-- name: finish
-- Fenced: a worker whose claim was taken over meanwhile changes nothing.
update dataops.checks set
    status = %(status)s, verdict = %(verdict)s, result = %(result)s, finished_at = clock_timestamp(),
    worker = null, lease_expires_at = null
where check_id = %(check_id)s and status = 'running' and attempt = %(attempt)s and worker = %(worker)s
returning finished_at

-- name: put_dataset_result
insert into dataops.dataset_results (check_id, target, table_name, verdict, finished_at)
values (%(check_id)s, %(target)s, %(table)s, %(verdict)s, clock_timestamp())

-- name: hand_back
-- Back to the queue: uncounted by a worker that stops, counted where the run has killed its dbt process.
update dataops.checks set
    status = 'queued', attempt = attempt - case when %(counted)s then 0 else 1 end, worker = null, lease_expires_at = null
where check_id = %(check_id)s and status = 'running' and attempt = %(attempt)s and worker = %(worker)s

-- name: notify
select pg_notify('dataops', %(payload)s)

-- name: now
select clock_timestamp() as now
