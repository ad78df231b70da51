-- A moment in a subselect is read once, so that an index finds what is older; a bare clock_timestamp() is asked of every row.

-- name: with_samples
select check_id, result from dataops.checks
where samples_kept and finished_at < (select clock_timestamp() - make_interval(days => %(days)s))
order by finished_at limit %(batch)s
for update skip locked

-- name: drop_samples
update dataops.checks set result = coalesce(%(result)s, result), samples_kept = false where check_id = %(check_id)s

-- name: delete_checks
-- Never one whose result is not delivered yet, nor the last full one of a table or of a dataset: the docs portal shows it.
with old as (
    select c.check_id from dataops.checks c
    where c.finished_at < (select clock_timestamp() - make_interval(days => %(days)s))
      and not exists (select 1 from dataops.outbox o where o.check_id = c.check_id and o.delivered_at is null and o.given_up_at is null)
      and (not c.is_full
           or case when c.dataset is null then
                  exists (select 1 from dataops.checks n where n.target = c.target and n.table_name = c.table_name and n.is_full
                          and n.finished_at > c.finished_at)
                  or exists (select 1 from dataops.dataset_results d where d.target = c.target and d.table_name = c.table_name
                             and d.finished_at > c.finished_at)
              else exists (select 1 from dataops.checks n where n.dataset = c.dataset and n.is_full and n.finished_at > c.finished_at)
              end)
    order by c.finished_at limit %(batch)s
    for update skip locked
), messages as (
    delete from dataops.outbox where check_id in (select check_id from old)
)
delete from dataops.checks where check_id in (select check_id from old)

-- name: delete_delivered
delete from dataops.outbox where message_id in (
    select message_id from dataops.outbox where delivered_at < (select clock_timestamp() - make_interval(days => %(days)s))
    order by delivered_at limit %(batch)s
    for update skip locked)

-- name: targets
select target from dataops.targets order by target

-- name: counted
-- By an index each, for the target is locked meanwhile.
select t.waiting, t.running,
       (select count(*) from dataops.checks c where c.target = t.target and c.status = 'queued') as really_waiting,
       (select count(*) from dataops.checks c where c.target = t.target and c.status = 'running') as really_running
from dataops.targets t where t.target = %(target)s

-- name: recount
update dataops.targets set waiting = %(really_waiting)s, running = %(really_running)s where target = %(target)s

-- name: forget_target
-- One that is not configured any more.
delete from dataops.targets t where t.target = %(target)s and t.waiting = 0 and t.running = 0
  and not exists (select 1 from stringx.configured_targets g where g.name = t.target)

-- name: heads
-- Who is first in a line, and who says so.
select array(
    select dataops.head_of_line(l.target, l.table_name) from (
        select distinct target, table_name from dataops.lines where target = %(target)s) l
    union
    select check_id from dataops.checks where target = %(target)s and status = 'queued' and is_first) as checks

-- name: settle
select dataops.settle_lines(%(checks)s::uuid[])
