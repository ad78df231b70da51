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

-- name: delete_durations
delete from dataops.durations where (target, table_name, is_full) in (
    select target, table_name, is_full from dataops.durations
    where seen_at < (select clock_timestamp() - make_interval(days => %(days)s))
    order by seen_at limit %(batch)s
    for update skip locked)

-- name: delete_trials
-- Never one whose result is not delivered yet.
with old as (
    select c.check_id from dataops.checks c
    where (c.trial is not null or c.profile is not null) and c.finished_at < (select clock_timestamp() - make_interval(days => %(days)s))
      and not exists (select 1 from dataops.outbox o where o.check_id = c.check_id and o.delivered_at is null and o.given_up_at is null)
    order by c.finished_at limit %(batch)s
    for update skip locked
), messages as (
    delete from dataops.outbox where check_id in (select check_id from old)
)
delete from dataops.checks where check_id in (select check_id from old)

-- name: delete_points
delete from dataops.rule_points where ctid in (
    select ctid from dataops.rule_points where snapshot_at < (select clock_timestamp() - make_interval(days => %(days)s))
    order by snapshot_at limit %(batch)s
    for update skip locked)

-- name: drop_keys
-- Keys of groups, which are values of rows, from what old checks left; the hashes beside them stay, so that groups are compared all the same.
update dataops.rule_memories set state = state - 'keys', earlier = earlier #- '{state,keys}' where ctid in (
    select m.ctid from dataops.rule_memories m
    where m.snapshot_at < (select clock_timestamp() - make_interval(days => %(days)s))
      and (m.state ? 'keys' or m.earlier -> 'state' ? 'keys')
    limit %(batch)s
    for update skip locked)

-- name: delete_memories
-- Never one of a configured table: it is what its rule has to compare with, however rarely the table is checked.
delete from dataops.rule_memories where ctid in (
    select m.ctid from dataops.rule_memories m
    where m.snapshot_at < (select clock_timestamp() - make_interval(days => %(days)s))
      and not exists (select 1 from stringx.configured_tables t where t.target = m.target and t.table_name = m.table_name)
    limit %(batch)s
    for update skip locked)
