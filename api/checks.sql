-- name: accept
-- A request_id is accepted once; a second one finds the first by `find_by_request`. What asks the same as a waiting check joins
-- it: the same table or dataset, scope, mode and budget. One that has ended a worker gets no company.
insert into dataops.checks (check_id, request_id, body, body_hash, target, table_name, dataset, mode, timeout_s, is_full, joined)
values (%(check_id)s, %(request_id)s, %(body)s, %(body_hash)s, %(target)s, %(table)s, %(dataset)s, %(mode)s, %(timeout_s)s,
        %(is_full)s,
        (select l.check_id from dataops.checks l
         where l.body_hash = %(body_hash)s and l.status = 'queued' and l.joined is null and l.crashes = 0
           and l.mode = %(mode)s and l.timeout_s = %(timeout_s)s
           and (select count(*) from dataops.checks j where j.joined = l.check_id) < %(most_joined)s
         order by l.due_at limit 1))
on conflict (request_id) do nothing

-- name: make_target
insert into dataops.targets (target) values (%(target)s) on conflict (target) do nothing

-- name: lock_target
select 1 from dataops.targets where target = %(target)s for update

-- name: count_waiting
select coalesce(sum(waiting), 0) as waiting from dataops.targets

-- name: find
select * from dataops.checks where check_id = %(check_id)s

-- name: find_by_request
select * from dataops.checks where request_id = %(request_id)s

-- name: cancel_waiting
update dataops.checks set
    status = 'canceled', verdict = 'error', result = %(result)s, finished_at = clock_timestamp(), cancel_requested = true, joined = null
where check_id = %(check_id)s and status = 'queued'

-- name: cancel_running
update dataops.checks set cancel_requested = true where check_id = %(check_id)s and status = 'running'

-- name: lead_joined
update dataops.checks set joined = null
where check_id = (select check_id from dataops.checks where joined = %(check_id)s and status = 'queued' order by due_at, check_id limit 1)
returning check_id

-- name: follow
update dataops.checks set joined = %(successor)s where joined = %(check_id)s and status = 'queued'

-- name: notify
select pg_notify('dataops', %(payload)s)

-- name: now
select clock_timestamp() as now
