-- name: accept
-- A request_id is accepted once; a second one finds the first by `find_by_request`. How many wait is counted before the target is
-- locked: as many more as are accepted at one moment may come above the limit.
insert into dataops.checks (check_id, request_id, body, trial, profile, body_hash, target, table_name, dataset, mode, timeout_s, is_full,
                            requested_by, traceparent, tracestate)
select %(check_id)s, %(request_id)s, %(body)s, %(trial)s, %(profile)s, %(body_hash)s, %(target)s, %(table)s, %(dataset)s, %(mode)s,
       %(timeout_s)s, %(is_full)s, %(requested_by)s, %(traceparent)s, %(tracestate)s
where (select coalesce(sum(waiting), 0) from dataops.targets) < %(queue_limit)s
on conflict (request_id) do nothing
returning *

-- name: make_target
insert into dataops.targets (target) values (%(target)s) on conflict (target) do nothing

-- name: lock_target
select 1 from dataops.targets where target = %(target)s for update

-- name: find
select * from dataops.checks where check_id = %(check_id)s

-- name: find_by_request
select * from dataops.checks where request_id = %(request_id)s

-- name: cancel_waiting
update dataops.checks set
    status = 'canceled', verdict = 'error', result = %(result)s, finished_at = clock_timestamp(), cancel_requested = true,
    canceled_by = %(by)s, joined = null
where check_id = %(check_id)s and status = 'queued'

-- name: cancel_running
update dataops.checks set cancel_requested = true, canceled_by = coalesce(canceled_by, %(by)s)
where check_id = %(check_id)s and status = 'running'

-- name: lead_joined
update dataops.checks set joined = null
where check_id = (select check_id from dataops.checks where joined = %(check_id)s and status = 'queued' order by due_at, check_id limit 1)
returning check_id

-- name: follow
update dataops.checks set joined = %(successor)s where joined = %(check_id)s and status = 'queued'
