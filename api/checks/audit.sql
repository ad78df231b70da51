-- name: targets
select target from dataops.targets order by target

-- name: counted
-- Each count uses an index, since the target is locked meanwhile.
select t.waiting, t.running, t.sessions,
       (select count(*) from dataops.checks c where c.target = t.target and c.status = 'queued') as really_waiting,
       (select count(*) from dataops.checks c where c.target = t.target and c.status = 'running') as really_running,
       (select count(*) from dataops.checks c where c.target = t.target and c.status = 'running'
                                                and (c.batch is null or c.batch = c.check_id)) as really_having_sessions
from dataops.targets t where t.target = %(target)s

-- name: recount
update dataops.targets set waiting = %(really_waiting)s, running = %(really_running)s, sessions = %(really_having_sessions)s
where target = %(target)s

-- name: forget_target
-- A target that is not configured any more.
delete from dataops.targets t where t.target = %(target)s and t.waiting = 0 and t.running = 0
  and not exists (select 1 from stringx.configured_targets g where g.name = t.target)

-- name: heads
-- Checks that should be first in their line, and checks marked as first.
select array(
    select dataops.head_of_line(l.target, l.table_name) from (
        select distinct target, table_name from dataops.lines where target = %(target)s) l
    union
    select check_id from dataops.checks where target = %(target)s and status = 'queued' and is_first) as checks

-- name: repair_lines
select dataops.settle_lines(%(checks)s::uuid[])
