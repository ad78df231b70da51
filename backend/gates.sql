-- name: configured
select document, rules_hash from stringx.tables where target = %(target)s and table_name = %(table)s

-- name: deciding_result
-- The full result with the newest snapshot; one that ended without any counts at its end.
select check_id, request_id, verdict, status, rules_hash, snapshot_at, coalesce(snapshot_at, finished_at) as decided_at, result,
       extract(epoch from clock_timestamp() - coalesce(snapshot_at, finished_at))::float8 as age_s
from stringx.results
where target = %(target)s and table_name = %(table)s and is_full and status <> 'canceled'
order by coalesce(snapshot_at, finished_at) desc
limit 1

-- name: result_of_request
select check_id, request_id, verdict, status, rules_hash, snapshot_at, coalesce(snapshot_at, finished_at) as decided_at, result,
       extract(epoch from clock_timestamp() - coalesce(snapshot_at, finished_at))::float8 as age_s
from stringx.results
where request_id = %(request_id)s

-- name: unfinished
-- A full request that was made after the deciding one and has not ended.
select r.request_id from stringx.requests r
where r.target = %(target)s and r.table_name = %(table)s and r.is_full and r.finished_at is null
  and r.created_at > coalesce((select d.created_at from stringx.requests d where d.request_id = %(decided_by)s), '-infinity')
order by r.created_at desc limit 1

-- name: request
select request_id, target, table_name, status, finished_at from stringx.requests where request_id = %(request_id)s
