-- name: due
-- A state to look at again: its configuration has changed, or its check becomes too old. Locked until the transaction ends; others take others.
select kind, target, name from stringx.states
where refresh_at <= (select clock_timestamp())
order by refresh_at
limit 1
for update skip locked

-- name: refresh
-- `since` of a decided gate is when its checks changed it; if they did not, its settings were changed just now. Its points are read only where it
-- is not known; those of `recent` by their index, the newest first.
update stringx.states s set
    state = %(state)s, rank = %(rank)s, reasons = %(reasons)s, verdict = %(verdict)s, rules_hash = %(rules_hash)s, check_id = %(check_id)s,
    request_id = %(request_id)s, decided_at = %(decided_at)s, snapshot_at = %(snapshot_at)s, gate = %(gate)s,
    since = case when %(gate)s::text is null then null
                 when s.gate <> %(gate)s and s.check_id = %(check_id)s then clock_timestamp()
                 when s.gate = %(gate)s and s.check_id = %(check_id)s and s.since is not null then s.since
                 else coalesce((
                    with newest as (
                        select f.at, f.gate from stringx.check_points f
                        where f.subject_id = p.subject_id and f.status <> 'canceled'
                          and (f.is_full or (%(by_window)s and stringx.has_all_rules(f.narrowed_to))) order by f.at desc limit 1000)
                    select min(n.at) from newest n
                    where n.at > coalesce((select max(o.at) from newest o where o.gate <> %(gate)s), '-infinity')), %(decided_at)s) end,
    checked_at = p.checked_at, row_count = p.row_count, score = p.score, duration_ms = p.duration_ms,
    recent = coalesce((
        select array_agg(l.verdict order by l.at) from (
            select c.verdict, c.at from stringx.check_points c
            where c.subject_id = s.subject_id and c.status <> 'canceled'
              and (c.is_full or (%(by_window)s and stringx.has_all_rules(c.narrowed_to)))
            order by c.at desc limit %(recent)s) l), '{}'),
    by_window = %(by_window)s, refresh_at = %(stale_at)s::timestamptz
from (select 1) as one
left join lateral (
    select l.finished_at as checked_at, c.subject_id, c.row_count, c.score, c.duration_ms
    from stringx.results l
    left join stringx.subjects u on u.kind = %(kind)s and u.target = %(target)s and u.name = %(name)s
    left join stringx.check_points c on c.subject_id = u.subject_id and c.at = %(decided_at)s and c.check_id = l.check_id
    where l.check_id = %(check_id)s) p on true
where s.kind = %(kind)s and s.target = %(target)s and s.name = %(name)s

-- name: forget_state
-- Of what was deleted meanwhile.
delete from stringx.states where kind = %(kind)s and target = %(target)s and name = %(name)s

-- name: look_later
update stringx.states set refresh_at = clock_timestamp() + interval '1 minute' where kind = %(kind)s and target = %(target)s and name = %(name)s

-- name: without_points
select check_id, coalesce(snapshot_at, finished_at) as at from stringx.results
where not has_points and finished_at > %(since)s and (points_after is null or points_after <= (select clock_timestamp()))
order by finished_at desc limit 1

-- name: lock_without_points
select result from stringx.results where check_id = %(check_id)s and not has_points for update skip locked

-- name: mark_points
-- Also what a result of an earlier release does not say of itself in columns.
with marked as (
    update stringx.results set has_points = true, is_window = %(is_window)s, messages = coalesce(messages, %(messages)s)
    where check_id = %(check_id)s)
update stringx.dataset_results set is_window = %(is_window)s where check_id = %(check_id)s and is_window <> %(is_window)s

-- name: keep_rules
update stringx.results set rule_ids = %(rule_ids)s where check_id = %(check_id)s

-- name: skip_points
-- Results that are older than any point is kept.
update stringx.results set has_points = true where check_id in (
    select check_id from stringx.results where not has_points and finished_at <= %(since)s order by finished_at limit %(batch)s for update skip locked)

-- name: make_partitions
select stringx.make_partitions(%(month)s)

-- name: partitions
select inhrelid::regclass::text as name from pg_catalog.pg_inherits
where inhparent in ('stringx.check_points'::regclass, 'stringx.rule_points'::regclass)

-- name: days_to_sum
-- Days that ended over a day ago and are not summed yet, or not since a late result came.
select day::date from generate_series(%(first)s::date, (clock_timestamp() at time zone 'UTC')::date - 2, interval '1 day') as day
where not exists (select 1 from stringx.summed_days s where s.day = day.day::date)
order by day

-- name: sum_alone
-- No late result is written meanwhile.
select pg_advisory_xact_lock(7418205342)

-- name: sum_day
insert into stringx.rule_days (rule_key, day, last_at, last_value, min_value, max_value, pass, warn, fail, error, config_version)
select rule_key, %(day)s::date, max(at), (array_agg(value order by at desc))[1], min(value), max(value),
       count(*) filter (where status = 'pass'), count(*) filter (where status = 'warn'), count(*) filter (where status = 'fail'),
       count(*) filter (where status = 'error'), (array_agg(config_version order by at desc))[1]
from (select p.*, case when p.failures is null then p.measured when p.total is null then p.failures else p.failures::float8 / nullif(p.total, 0) end as value from stringx.rule_points p
      where p.at >= %(day)s::date::timestamp at time zone 'UTC' and p.at < (%(day)s::date + 1)::timestamp at time zone 'UTC'
        and p.rule_key >= %(from)s and p.rule_key < %(to)s) points
group by rule_key
on conflict (rule_key, day) do update set
    last_at = excluded.last_at, last_value = excluded.last_value, min_value = excluded.min_value, max_value = excluded.max_value,
    pass = excluded.pass, warn = excluded.warn, fail = excluded.fail, error = excluded.error, config_version = excluded.config_version

-- name: last_rule
select max(rule_key) as rule_key from stringx.subject_rules

-- name: summed
insert into stringx.summed_days (day) values (%(day)s) on conflict do nothing

-- name: forget_days
delete from stringx.rule_days where (rule_key, day) in (
    select rule_key, day from stringx.rule_days where day < (clock_timestamp() at time zone 'UTC')::date - make_interval(years => %(years)s) limit %(batch)s)

-- name: forget_rest
delete from stringx.check_points_rest where at < clock_timestamp() - make_interval(days => %(days)s);
delete from stringx.rule_points_rest where at < clock_timestamp() - make_interval(days => %(days)s);
-- Marks go with their points: with the last of their month.
delete from stringx.point_marks where snapshot_at < %(month)s::date::timestamp at time zone 'UTC'

-- name: oldest_month
-- The oldest month whose points are all there.
select min(to_date(right(p.relname, 7), 'YYYY_MM')) as month from pg_catalog.pg_inherits i join pg_catalog.pg_class p on p.oid = i.inhrelid
where i.inhparent = 'stringx.rule_points'::regclass and p.relname ~ '_[0-9]{4}_[0-9]{2}$' 
