-- A moment in a subselect is read once, so that an index finds what is older; a bare clock_timestamp() is asked of every row.

-- name: with_samples
select check_id, result from stringx.results
where samples_kept and finished_at < (select clock_timestamp() - make_interval(days => %(days)s))
order by finished_at limit %(batch)s
for update skip locked

-- name: drop_samples
update stringx.results set result = coalesce(%(result)s, result), samples_kept = false where check_id = %(check_id)s

-- name: delete_results
-- With their requests. Never one that still decides a gate: the newest of a table (its own, or that of a dataset that held it) and of
-- a dataset: the newest full one, and the newest of a window with all rules (is_window) if no full one is newer. Windows are kept
-- whatever the document says now, because it may say tomorrow that they decide.
with old as (
    select r.check_id, r.request_id from stringx.results r join stringx.requests q using (request_id)
    where r.finished_at < (select clock_timestamp() - make_interval(days => %(days)s)) and q.finished_at is not null
      and (r.status = 'canceled' or not (r.is_full or r.is_window)
           or not exists (
               select 1 from (
                   select case when r.dataset is null then 'table' else 'dataset' end as kind, coalesce(r.table_name, r.dataset) as name
                   union all
                   select 'table', own.table_name from stringx.dataset_results own where own.check_id = r.check_id
               ) x
               where not exists (select 1 from stringx.results n where x.kind = 'table' and n.target = r.target and n.table_name = x.name
                                 and n.is_full and n.status <> 'canceled'
                                 and coalesce(n.snapshot_at, n.finished_at) > coalesce(r.snapshot_at, r.finished_at))
                 and not exists (select 1 from stringx.dataset_results n where x.kind = 'table' and n.target = r.target and n.table_name = x.name
                                 and n.is_full and n.status <> 'canceled'
                                 and coalesce(n.snapshot_at, n.finished_at) > coalesce(r.snapshot_at, r.finished_at))
                 and not exists (select 1 from stringx.results n where x.kind = 'dataset' and n.dataset = x.name
                                 and n.is_full and n.status <> 'canceled'
                                 and coalesce(n.snapshot_at, n.finished_at) > coalesce(r.snapshot_at, r.finished_at))
                 and not exists (select 1 from stringx.results n where r.is_window and x.kind = 'table' and n.target = r.target
                                 and n.table_name = x.name and n.is_window and n.status <> 'canceled'
                                 and coalesce(n.snapshot_at, n.finished_at) > coalesce(r.snapshot_at, r.finished_at))
                 and not exists (select 1 from stringx.dataset_results n where r.is_window and x.kind = 'table' and n.target = r.target
                                 and n.table_name = x.name and n.is_window and n.status <> 'canceled'
                                 and coalesce(n.snapshot_at, n.finished_at) > coalesce(r.snapshot_at, r.finished_at))
                 and not exists (select 1 from stringx.results n where r.is_window and x.kind = 'dataset' and n.dataset = x.name
                                 and n.is_window and n.status <> 'canceled'
                                 and coalesce(n.snapshot_at, n.finished_at) > coalesce(r.snapshot_at, r.finished_at))))
    order by r.finished_at limit %(batch)s
    for update of r, q skip locked
), results as (
    delete from stringx.results where check_id in (select check_id from old) returning request_id
)
delete from stringx.requests q where q.request_id in (select request_id from results)
  and not exists (select 1 from stringx.results s where s.request_id = q.request_id and s.check_id not in (select check_id from old))

-- name: delete_incidents
-- Those that are over, with their entries. Open ones stay.
delete from stringx.incidents where incident_id in (
    select incident_id from stringx.incidents
    where closed_at < (select clock_timestamp() - make_interval(days => %(days)s)) order by closed_at limit %(batch)s
    for update skip locked)

-- name: delete_events
-- But for those of an incident that is kept.
delete from stringx.events where event_id in (
    select e.event_id from stringx.events e
    where e.recorded_at < (select clock_timestamp() - make_interval(days => %(days)s)) and e.is_routed
      and not exists (select from stringx.incidents i where i.incident_id = e.incident_id)
    order by e.recorded_at limit %(batch)s
    for update skip locked)

-- name: delete_requests
-- Those that ended without a result.
delete from stringx.requests where request_id in (
    select q.request_id from stringx.requests q
    where q.finished_at < (select clock_timestamp() - make_interval(days => %(days)s))
      and not exists (select 1 from stringx.results s where s.request_id = q.request_id)
    order by q.finished_at limit %(batch)s
    for update skip locked)

-- name: delete_trials
-- With their results.
delete from stringx.requests where request_id in (
    select request_id from stringx.requests
    where trial and finished_at < (select clock_timestamp() - make_interval(days => %(days)s))
    order by finished_at limit %(batch)s
    for update skip locked)

-- name: profiles_with_values
select profile_id, profile from stringx.profiles
where values_kept and created_at < (select clock_timestamp() - make_interval(days => %(days)s))
order by created_at limit %(batch)s
for update skip locked

-- name: drop_values
update stringx.profiles set profile = coalesce(%(profile)s, profile), values_kept = false where profile_id = %(profile_id)s

-- name: delete_profiles
delete from stringx.profiles where profile_id in (
    select profile_id from stringx.profiles where created_at < (select clock_timestamp() - make_interval(days => %(days)s))
    order by created_at limit %(batch)s
    for update skip locked)

-- name: delete_lost_profiles
-- Those whose request ended without a result, and is gone.
delete from stringx.profiles where profile_id in (
    select p.profile_id from stringx.profiles p
    where p.status is null and p.created_at < (select clock_timestamp() - make_interval(days => %(days)s))
      and not exists (select from stringx.requests q where q.request_id = p.request_id)
    order by p.created_at limit %(batch)s
    for update skip locked)

-- name: delete_audit
-- A trigger refuses to delete what is younger than 30 days.
delete from stringx.audit where entry_id in (
    select entry_id from stringx.audit where at < (select now() - make_interval(days => %(days)s))
    order by at limit %(batch)s for update skip locked)

-- name: delete_notifications
-- Messages to people that were sent, given up or withdrawn, and with them who was told of what.
delete from stringx.notifications where notification_id in (
    select notification_id from stringx.notifications
    where planned_at < (select clock_timestamp() - make_interval(days => %(days)s))
      and (delivered_at is not null or given_up_at is not null or withdrawn_at is not null)
    order by planned_at limit %(batch)s for update skip locked)

-- name: delete_tests
-- Test messages.
delete from stringx.notifications where notification_id in (
    select notification_id from stringx.notifications
    where kind = 'test' and planned_at < (select clock_timestamp() - make_interval(days => %(days)s))
    order by planned_at limit %(batch)s for update skip locked)

-- name: delete_unsaid
-- Of events of which nothing was left to say.
delete from stringx.notified where notified_id in (
    select notified_id from stringx.notified
    where notification_id is null and at < (select clock_timestamp() - make_interval(days => %(days)s))
    order by at limit %(batch)s for update skip locked)

-- name: forget_queues
-- Of channels that are no more, and have no message left.
delete from stringx.channel_queues where channel in (
    select q.channel from stringx.channel_queues q
    where q.claimed_at < (select clock_timestamp() - make_interval(days => %(days)s))
      and not exists (select from stringx.watch_documents w where w.kind = 'Channel' and w.name = q.channel)
      and not exists (select from stringx.notifications n where n.channel = q.channel)
    limit %(batch)s for update skip locked)

-- name: delete_schedule_items
-- What runs of schedules checked: a run may have thousands.
delete from stringx.schedule_items i using (
    select i.run_id, i.subject_kind, i.name from stringx.schedule_runs r join stringx.schedule_items i on i.run_id = r.run_id
    where r.ended_at is not null and r.started_at < (select clock_timestamp() - make_interval(days => %(days)s))
    limit %(batch)s for update of i skip locked) old
where i.run_id = old.run_id and i.subject_kind = old.subject_kind and i.name = old.name

-- name: delete_schedule_runs
delete from stringx.schedule_runs where run_id in (
    select r.run_id from stringx.schedule_runs r
    where r.ended_at is not null and r.started_at < (select clock_timestamp() - make_interval(days => %(days)s))
      and not exists (select from stringx.schedule_items i where i.run_id = r.run_id)
    order by r.started_at limit %(batch)s for update skip locked)
